-- The three tables that `fab publish --source postgresql://…` reads: docs/sources.md.
--
-- They may as well be views of a tabulation's own tables: the reader asks for these names, these columns, and for
-- nothing else. Whatever the constraints let pass is checked again when it is read.

-- Which election it is: one row with the text of election.toml (docs/elections.md). It decides the columns below: one
-- votes_NN for each candidate; with the layout of 2024, regions has `code` too, and tps what its forms say beside.
CREATE TABLE election (settings text NOT NULL);
CREATE UNIQUE INDEX election_has_one_row ON election ((true));

-- The tree: the nation, provinces and abroad, kabupaten/kota, kecamatan, kelurahan/desa. It is read by depth, then id;
-- that is also the order in which the site lists what a region consists of (abroad last).
CREATE TABLE regions (
    id        integer  PRIMARY KEY CHECK (id BETWEEN -1000000000 AND 1000000000),  -- 0: the nation, -99: abroad
    parent_id integer  REFERENCES regions,                                         -- null of the nation
    depth     smallint NOT NULL CHECK (depth BETWEEN 0 AND 4),                      -- one more than its parent's
    name      text     NOT NULL CHECK (name ~ '\S' AND length(name) <= 100
                                       AND name !~ '[[:cntrl:]]' AND name !~ '^[=+@-]'),
    CHECK ((id = 0) = (depth = 0) AND (id = 0) = (parent_id IS NULL)),
    CHECK (id <> -99 OR depth = 1)
);

-- Polling stations with what their form C1 says. They are read by kelurahan, then number: so those of a kelurahan are
-- together, and the same stations get the same ids in every snapshot. Figures that contradict each other are what was
-- entered: nothing here keeps them out.
CREATE TABLE tps (
    kelurahan_id       integer NOT NULL REFERENCES regions,                          -- a region of depth 4
    tps_number         integer NOT NULL CHECK (tps_number BETWEEN 1 AND 99999),      -- abroad 1001…: by post, 2001…: KSK
    registered_male    integer NOT NULL DEFAULT -1 CHECK (registered_male BETWEEN -1 AND 999999),  -- -1: not known
    registered_female  integer NOT NULL DEFAULT -1 CHECK (registered_female BETWEEN -1 AND 999999),
    votes_01           integer CHECK (votes_01 BETWEEN 0 AND 999999),                -- the five: all null, not entered
    votes_02           integer CHECK (votes_02 BETWEEN 0 AND 999999),
    valid_votes        integer CHECK (valid_votes BETWEEN 0 AND 999999),
    invalid_votes      integer CHECK (invalid_votes BETWEEN 0 AND 999999),
    total_votes        integer CHECK (total_votes BETWEEN 0 AND 999999),             -- voters who came
    first_photo_unix_s bigint  CHECK (first_photo_unix_s >= 0),                      -- when the form arrived; null: not known
    PRIMARY KEY (kelurahan_id, tps_number),
    CHECK (num_nulls(votes_01, votes_02, valid_votes, invalid_votes, total_votes) IN (0, 5))
);

-- Who publishes needs to read, and nothing else. Its password is the server's business, and in ~/.pgpass.
CREATE ROLE tegak_reader LOGIN;
GRANT SELECT ON election, regions, tps TO tegak_reader;
