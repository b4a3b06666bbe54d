import io
import tarfile

from infra.bridge.signers import NAMESPACES, SIGNER
from roles.bucket.start import ANY_INSTANCE, START_NAMESPACE, StartBody
from roles.on_host import start_host
from roles.scripts import layout
from roles.scripts.host_files import HostFile, archive


def test_host_and_operator_mean_the_same() -> None:
    assert (start_host.SIGNER, start_host.NAMESPACE) == (SIGNER, START_NAMESPACE)
    assert START_NAMESPACE in NAMESPACES
    assert str(layout.ALLOWED_SIGNERS) == start_host.ALLOWED_SIGNERS
    assert start_host.CURRENT_RELEASE == layout.CURRENT_RELEASE
    assert StartBody.model_fields["schema_version"].default == start_host.SCHEMA


def test_a_host_packs_files_as_a_task_does_with_its_own_id_in_them() -> None:
    file = HostFile(layout.ALLOWED_SIGNERS, f"a {ANY_INSTANCE} b".encode(), mode=0o600)
    document = [{"path": str(file.path), "mode": file.mode, "content": file.content.decode()}]
    assert start_host.packed(document, "nothing", "i-1") == archive([file])
    with tarfile.open(fileobj=io.BytesIO(start_host.packed(document, ANY_INSTANCE, "i-1"))) as packed:
        (member,) = packed.getmembers()
        content = packed.extractfile(member)
        assert content
        assert content.read() == b"a i-1 b"
