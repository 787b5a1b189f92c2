from __future__ import annotations

import os
from pathlib import Path

import pytest

from gantrans.api.files import ImageFiles
from gantrans.errors import UsageError
from gantrans.inference.files.plan import FileJob, Wanted, ignores_case, plan


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of (empty) images, other files, and images in subfolders."""
    folder = tmp_path / "photos"
    for name in ("b.png", "a.JPG", "c.tiff", "notes.txt", "._a.JPG", "old/d.png", "old/deep/e.bmp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_folder_means_its_own_images_and_those_below_are_counted(photos, tmp_path):
    out = tmp_path / "out"
    found = plan([photos], out)
    assert found.jobs == tuple(FileJob(photos / n, out / n) for n in ("a.JPG", "b.png", "c.tiff"))
    assert found.nested == 2
    assert not out.exists()


def test_earlier_outputs_inside_the_input_folder_do_not_count_as_left_out(photos):
    assert plan([photos], photos / "old").nested == 0


def test_files_and_folders_can_be_mixed_and_one_file_named_twice_is_one_job(photos, tmp_path):
    found = plan([photos / "b.png", photos, photos / "." / "b.png"], tmp_path / "out")
    assert [job.source.name for job in found.jobs] == ["b.png", "a.JPG", "c.tiff"]


def test_two_inputs_for_one_output_are_refused_naming_both(photos, tmp_path):
    other = tmp_path / "more" / "b.png"
    other.parent.mkdir()
    other.touch()
    with pytest.raises(UsageError) as caught:
        plan([photos, other], tmp_path / "out")
    assert str(photos / "b.png") in str(caught.value)
    assert str(other) in str(caught.value)


def test_outputs_that_are_there_are_listed_unless_they_may_be_replaced(photos, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for number in range(6):
        (photos / f"{number}.png").touch()
        (out / f"{number}.png").touch()
    with pytest.raises(UsageError, match=r"0\.png, .*1\.png, .*2\.png and 3 more; use --overwrite"):
        plan([photos], out)
    assert len(plan([photos], out, overwrite=True).jobs) == 9


@pytest.mark.parametrize("overwrite", [False, True])
def test_inputs_are_never_replaced(photos, tmp_path, overwrite):
    with pytest.raises(UsageError, match="would replace the input"):
        plan([photos], photos, overwrite=overwrite)
    (tmp_path / "link").symlink_to(photos, target_is_directory=True)
    with pytest.raises(UsageError, match="would replace the input"):
        plan([photos / "a.JPG"], tmp_path / "link", overwrite=overwrite)


@pytest.mark.parametrize("name", ["notes.txt", "photo.psd", "photo", "weights.safetensors"])
def test_a_file_that_cannot_be_written_back_is_refused(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match=f"{name} is no image .*bmp gif jpeg jpg"):
        plan([tmp_path / name], tmp_path / "out")


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="there is no file or folder"):
        plan([tmp_path / "none.png"], tmp_path / "out")
    with pytest.raises(UsageError, match="nothing to translate"):
        plan([], tmp_path / "out")


def test_a_folder_without_images_says_where_some_are(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"no image in .*in \("):
        plan([tmp_path / "in"], tmp_path / "out")
    (tmp_path / "in" / "sub" / "a.png").touch()
    with pytest.raises(UsageError, match="there are 1 in its subfolders: use --recursive"):
        plan([tmp_path / "in"], tmp_path / "out")


def test_an_output_folder_that_cannot_be_is_refused(photos, tmp_path):
    for out in (photos / "b.png", photos / "b.png" / "deeper"):
        with pytest.raises(UsageError, match="is a file; give another --out"):
            plan([photos], out)
    (tmp_path / "out" / "b.png").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"b\.png is a folder"):
        plan([photos], tmp_path / "out", overwrite=True)


def test_an_output_folder_without_permission_is_refused(photos, tmp_path, monkeypatch):
    # Simulated: whoever runs the tests may be allowed everything.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(UsageError, match=f"{tmp_path} is read-only, or you have no permission"):
        plan([photos], tmp_path / "out")


def test_an_input_folder_without_permission_is_refused(photos, tmp_path, monkeypatch):
    def denied(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(UsageError, match=f"folder {photos}: Permission denied"):
        plan([photos], tmp_path / "out")


class Scans(ImageFiles):
    suffixes = (".scan", ".png")

    def read(self, path):
        raise NotImplementedError

    def write(self, image, path):
        raise NotImplementedError


def test_a_domain_with_files_of_its_own_gathers_those(photos, tmp_path):
    (photos / "x.SCAN").touch()
    out = tmp_path / "out"
    found = plan([photos], out, source=Scans(), target=Scans())
    assert found.jobs == tuple(FileJob(photos / n, out / n) for n in ("b.png", "x.SCAN"))
    assert found.nested == 1
    with pytest.raises(UsageError, match=r"a\.JPG is no image .*\(known: png scan\)"):
        plan([photos / "a.JPG"], out, source=Scans(), target=Scans())


def test_a_name_that_the_target_cannot_have_ends_in_its_first_suffix(photos, tmp_path):
    out = tmp_path / "out"
    found = plan([photos], out, target=Scans())
    assert [job.target.name for job in found.jobs] == ["a.scan", "b.png", "c.scan"]
    (photos / "a.png").touch()
    (photos / "a.scan").touch()
    with pytest.raises(UsageError, match=r"a\.png and .*a\.scan would both become .*a\.png"):
        plan([photos], out, source=Scans())


def test_subfolders_are_taken_when_asked_and_keep_their_places(photos, tmp_path):
    out = tmp_path / "out"
    found = plan([photos], out, recursive=True)
    below = ("a.JPG", "b.png", "c.tiff", "old/d.png", "old/deep/e.bmp")
    assert found.jobs == tuple(FileJob(photos / n, out / n) for n in below)
    assert found.nested == 0


def test_outputs_inside_the_input_folder_are_no_inputs(photos):
    out = photos / "translated"
    first = plan([photos], out, recursive=True)
    for job in first.jobs:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        job.target.write_bytes(b"done")
    again = plan([photos], out, recursive=True, overwrite=True)
    assert [job.outputs for job in again.jobs] == [job.outputs for job in first.jobs]


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("a.PNG", "png", "a.PNG"),
        ("a.jpeg", "jpg", "a.jpeg"),
        ("a.tif", "tiff", "a.tif"),
        ("a.b.c.png", "webp", "a.b.c.webp"),
        ("a.gif", "png", "a.png"),
        ("a.mp4", "png", "a.mp4"),
    ],
)
def test_a_format_changes_the_suffix_of_what_is_of_another(tmp_path, name, format, expected):
    (tmp_path / name).touch()
    out = tmp_path / "out"
    [job] = plan([tmp_path / name], out, wanted=Wanted(format)).jobs
    assert job.target == out / expected


def test_cycles_and_comparisons_are_named_after_the_translation(photos, tmp_path):
    wanted = Wanted("png", cycle=True, compare=True)
    [job] = plan([photos / "a.JPG"], tmp_path, wanted=wanted).jobs
    assert [path.name for path in job.outputs] == ["a.png", "a.cycle.png", "a.compare.png"]
    (photos / "b.cycle.png").touch()
    with pytest.raises(UsageError, match=r"b\.png and .*would both become .*b\.cycle\.png"):
        plan([photos / "b.png", photos / "b.cycle.png"], tmp_path, wanted=Wanted(cycle=True))


def test_resuming_leaves_out_jobs_whose_outputs_are_all_there(photos, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.JPG").write_bytes(b"whole")
    (out / "b.png").touch()  # as a machine that went down may leave it
    found = plan([photos], out, resume=True)
    assert [job.source.name for job in found.jobs] == ["b.png", "c.tiff"]
    assert found.done == 1
    assert plan([photos / "a.JPG"], out, resume=True).jobs == ()
    assert len(plan([photos / "a.JPG"], out, resume=True, wanted=Wanted(compare=True)).jobs) == 1


def test_several_processes_share_all_jobs_whatever_some_have_done(photos, tmp_path):
    out = tmp_path / "out"
    everything = plan([photos], out, recursive=True).jobs
    out.mkdir()
    (out / "a.JPG").write_bytes(b"done by the first process, before the second looks")
    second = plan([photos], out, recursive=True, share=(1, 2)).jobs
    assert second == everything[1::2]
    first = plan([photos], out, recursive=True, share=(0, 2), resume=True).jobs
    assert first == everything[2::2]


def test_a_cycle_has_a_name_that_the_files_of_its_domain_can_have(photos, tmp_path):
    (photos / "x.scan").touch()
    [job] = plan(
        [photos / "x.scan"], tmp_path, wanted=Wanted("jpg", cycle=True), source=Scans()
    ).jobs
    assert [path.name for path in job.outputs] == ["x.jpg", "x.cycle.scan"]


def test_a_format_that_the_files_of_a_domain_cannot_have_is_refused(photos, tmp_path):
    with pytest.raises(UsageError, match=r"cannot be webp \(they are: scan png\)"):
        plan([photos], tmp_path / "out", wanted=Wanted("webp"), target=Scans())


def test_a_name_that_would_be_too_long_is_refused_before_any_work(tmp_path):
    source = tmp_path / f"{'ä' * 125}.png"  # of 254 bytes
    source.touch()
    assert len(plan([source], tmp_path / "out").jobs) == 1
    for wanted in (Wanted(cycle=True), Wanted(compare=True), Wanted("webp", compare=True)):
        with pytest.raises(UsageError, match="names have at most 255 bytes: give it a shorter"):
            plan([source], tmp_path / "out", wanted=wanted)


@pytest.mark.parametrize("there", ["a link to nothing", "a link in a loop", "a pipe"])
def test_whatever_has_the_name_of_an_output_is_there_already(photos, tmp_path, there):
    out = tmp_path / "out"
    out.mkdir()
    if there == "a pipe":
        os.mkfifo(out / "b.png")
    else:
        (out / "b.png").symlink_to("none.png" if there == "a link to nothing" else "b.png")
    for options in ({}, {"resume": True}):
        with pytest.raises(UsageError, match=r"b\.png"):
            plan([photos], out, **options)
    if there == "a pipe":
        with pytest.raises(UsageError, match=r"b\.png is a pipe"):
            plan([photos], out, overwrite=True)
    else:
        assert len(plan([photos], out, overwrite=True).jobs) == 3


def test_only_what_was_there_may_be_replaced(photos, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.png").touch()  # a crash has left it empty
    inputs, wanted = [photos / "b.png"], Wanted(cycle=True)
    [fresh] = plan(inputs, tmp_path / "new", wanted=wanted).jobs
    [resumed] = plan(inputs, out, resume=True, wanted=wanted).jobs
    [forced] = plan(inputs, out, overwrite=True, wanted=wanted).jobs
    assert fresh.replaceable == set()
    assert resumed.replaceable == {out / "b.png"}
    assert forced.replaceable == {out / "b.png", out / "b.cycle.png"}


def test_replacing_and_leaving_out_do_not_go_together(photos, tmp_path):
    with pytest.raises(UsageError, match="say one of them"):
        plan([photos], tmp_path / "out", overwrite=True, resume=True)


def test_earlier_comparisons_among_the_inputs_are_told_for_what_they_are(photos, tmp_path):
    (photos / "b.compare.png").touch()
    with pytest.raises(UsageError, match=r"rename one, leave out \*\.compare\.\*, or"):
        plan([photos], tmp_path / "out", wanted=Wanted(compare=True))


@pytest.mark.parametrize("below", ["", "deeper"])
@pytest.mark.parametrize("leading", ["out", "nothing"])
def test_an_output_folder_that_is_a_link_to_nowhere_is_refused(photos, tmp_path, leading, below):
    (tmp_path / "out").symlink_to(leading)
    with pytest.raises(UsageError, match=r"out is a link that leads nowhere"):
        plan([photos], tmp_path / "out" / below)


def test_an_input_that_is_a_link_in_a_loop_is_planned_with_the_others(photos, tmp_path):
    (photos / "loop.png").symlink_to("loop.png")
    assert len(plan([photos], tmp_path / "out").jobs) == 4


@pytest.mark.parametrize("ignored", [False, True])
def test_names_that_differ_in_case_alone_clash_where_the_disk_ignores_case(
    photos, tmp_path, monkeypatch, ignored
):
    other = tmp_path / "more" / "B.png"
    other.parent.mkdir()
    other.touch()
    monkeypatch.setattr("gantrans.inference.files.plan.ignores_case", lambda folder: ignored)
    if ignored:
        with pytest.raises(UsageError, match=r"b\.png and .*B\.png would both become"):
            plan([photos / "b.png", other], tmp_path / "out")
    else:
        assert len(plan([photos / "b.png", other], tmp_path / "out").jobs) == 2


def test_whether_the_disk_ignores_case_is_tried_out(tmp_path):
    (tmp_path / "a").touch()
    assert ignores_case(tmp_path / "not" / "made") == (tmp_path / "A").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_input_is_known_by_any_of_its_names(photos, tmp_path):
    (tmp_path / "out").mkdir()
    os.link(photos / "b.png", tmp_path / "out" / "b.png")
    with pytest.raises(UsageError, match="would replace the input"):
        plan([photos / "b.png"], tmp_path / "out", overwrite=True)
