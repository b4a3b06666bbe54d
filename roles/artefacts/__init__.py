"""What is built and signed before it travels: releases, snapshots, and the files of a host."""
