import gzip
import hashlib

from serving.pages import static_files


def test_a_file_s_name_is_that_of_its_content():
    for name in static_files.TYPES:
        body = (static_files.FOLDER / name).read_bytes()
        found = static_files.files()[static_files.served_name(name)]
        assert found.body == gzip.decompress(found.packed) == body
        assert hashlib.sha256(body).hexdigest()[:16] in static_files.address(name)


def test_every_file_is_served():
    assert {path.name for path in static_files.FOLDER.iterdir()} == set(static_files.TYPES)


def test_the_script_is_small_and_asks_no_other_host():
    script = (static_files.FOLDER / "page.js").read_text()
    assert len(script.encode()) < 15 * 1024
    for name in ("page.js", "mirante.css"):
        assert "://" not in (static_files.FOLDER / name).read_text()
    assert "innerHTML" not in script
    assert "eval(" not in script
