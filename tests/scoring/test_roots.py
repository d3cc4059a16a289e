import os

import pytest

from errors import RecipeError
from scoring.roots import check_beneath

BUCKET = ("s3://tables/in", "s3://other")


@pytest.mark.parametrize(
    "address", ["s3://tables/in/a.csv", "s3://tables/in/2024/*.parquet", "s3://other/x"]
)
def test_what_is_beneath_a_root_is_allowed(address):
    assert check_beneath(address, BUCKET, "table") == address


@pytest.mark.parametrize(
    "address",
    [
        "s3://tables/inner/a.csv",
        "s3://tables/in-lookalike/a.csv",
        "s3://tables-in/a.csv",
        "s3://tables/in",
        "s3://tables/in/",
        "s3://tables/in/../out/a.csv",
        "s3://tables/in//a.csv",
        "s3://otherwise/x",
        "s3://other.evil/x",
        "s3://other@evil/x",
        "s3://other/x?versionId=1#y",
        "s3://o*/x",
        "S3://other/x",
        "https://other/x",
        "file:///etc/passwd",
        "/etc/passwd",
        "etc/passwd",
        "",
        "s3://other/x\ny",
    ],
)
def test_what_is_not_beneath_a_root_is_refused_and_not_echoed(address):
    with pytest.raises(RecipeError, match=r"^table: expected an absolute path") as caught:
        check_beneath(address, BUCKET, "table")
    assert "evil" not in str(caught.value)


def test_links_and_dots_do_not_lead_out_of_a_folder(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "root-and-more"
    for folder in (root, outside):
        folder.mkdir()
        (folder / "a.csv").write_text("")
    roots = (str(root),)
    assert check_beneath(f"{root}/a.csv", roots, "table") == os.path.realpath(root / "a.csv")
    assert check_beneath(f"{root}/x/../a.csv", roots, "table").endswith("root/a.csv")
    (root / "link.csv").symlink_to(outside / "a.csv")
    (root / "folder").symlink_to(outside)
    for path in ("link.csv", "folder/a.csv", "../root-and-more/a.csv", "..", "", "x\0y"):
        with pytest.raises(RecipeError):
            check_beneath(f"{root}/{path}", roots, "table")
    with pytest.raises(RecipeError):
        check_beneath(f"{outside}/a.csv", roots, "table")


def test_no_roots_allow_nothing_and_the_whole_disk_is_no_root():
    with pytest.raises(RecipeError, match="SCORE_ROOTS"):
        check_beneath("/a.csv", (), "to")
    with pytest.raises(RecipeError):
        check_beneath("/etc/passwd", ("/",), "to")
