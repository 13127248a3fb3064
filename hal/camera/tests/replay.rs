//! Recordings played as cameras: pictures, folders, clips, and what is wrong with them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use baize_camera::{
    Camera, CameraConfig, CameraLost, Captured, DropCause, Frame, OpenError, Pace, SourceSpec, load_picture,
    open, the_pool,
};
use baize_frame::PixelFormat;

const PATIENCE: Duration = Duration::from_secs(20);
const BANDS: [[u8; 3]; 3] = [[200, 30, 20], [20, 180, 40], [30, 40, 210]];

/// The tests share the one static pool.
fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// A folder of its own for each test, emptied before.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    folder
}

fn as_fast_as_possible() -> CameraConfig {
    CameraConfig {
        pace: Pace::AsFastAsPossible,
        ..CameraConfig::default()
    }
}

fn replay(path: &Path, config: &CameraConfig) -> Box<dyn Camera> {
    open(&SourceSpec::Replay(path.into()), config).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(path: &Path) -> OpenError {
    match open(&SourceSpec::Replay(path.into()), &as_fast_as_possible()) {
        Ok(camera) => panic!("{} was opened", camera.describe()),
        Err(error) => error,
    }
}

fn next_frame(camera: &mut dyn Camera) -> Frame {
    match camera.capture(PATIENCE) {
        Ok(Captured::Frame(frame)) => frame,
        other => panic!("a frame was expected, not {other:?}"),
    }
}

/// Everything up to the end, as (sequence, exposure_us, first bytes).
fn play(mut camera: Box<dyn Camera>) -> Vec<(u64, u64, Vec<u8>)> {
    let mut frames = Vec::new();
    loop {
        match camera.capture(PATIENCE) {
            Ok(Captured::Frame(frame)) => {
                frames.push((frame.sequence, frame.exposure_us, frame.image().bytes().to_vec()));
            }
            Ok(Captured::Ended) => return frames,
            other => panic!("after {} frames: {other:?}", frames.len()),
        }
    }
}

#[test]
fn pictures_of_every_kind_give_the_colours_they_show() {
    for name in [
        "rgb.png",
        "alpha.png",
        "palette.png",
        "sixteen_bit.png",
        "baseline.jpg",
        "progressive.jpg",
        "grey.jpg",
    ] {
        let picture = load_picture(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let image = picture.image();
        let format = image.format();
        assert_eq!(
            (format.width, format.height, format.pixels),
            (24, 16, PixelFormat::Rgb24),
            "{name}"
        );
        for (band, colour) in BANDS.iter().enumerate() {
            let at = 8 * 72 + (band * 8 + 4) * 3;
            let grey =
                (u32::from(colour[0]) * 299 + u32::from(colour[1]) * 587 + u32::from(colour[2]) * 114) / 1000;
            let expected = if name == "grey.jpg" {
                [grey as u8; 3]
            } else {
                *colour
            };
            for (seen, wanted) in image.bytes()[at..at + 3].iter().zip(expected) {
                assert!(seen.abs_diff(wanted) <= 6, "{name}: {seen} for {wanted}");
            }
        }
    }
    let grey = load_picture(&fixture("grey.png")).expect("a grey picture");
    assert_eq!(grey.format().pixels, PixelFormat::Grey);
}

#[test]
fn a_picture_is_played_once_and_in_a_loop_again_and_again() {
    let _alone = alone();
    assert_eq!(play(replay(&fixture("rgb.png"), &as_fast_as_possible())).len(), 1);

    let looped = CameraConfig {
        looped: true,
        rate_hz: Some(50.0),
        ..as_fast_as_possible()
    };
    let mut camera = replay(&fixture("rgb.png"), &looped);
    for round in 0..5 {
        let frame = next_frame(camera.as_mut());
        assert_eq!((frame.sequence, frame.exposure_us), (round, round * 20_000));
    }
}

#[test]
fn a_folder_is_played_in_the_order_of_its_numbers_and_a_damaged_picture_is_counted() {
    let _alone = alone();
    let folder = scratch("folder");
    for (name, source) in [
        ("shot2.png", "grey.png"),
        ("shot10.JPG", "baseline.jpg"),
        ("shot1.png", "rgb.png"),
    ] {
        std::fs::copy(fixture(source), folder.join(name)).expect("a copy");
    }
    std::fs::write(folder.join("shot3.png"), b"\x89PNG but not more").expect("a damaged picture");
    std::fs::write(folder.join("notes.txt"), b"not a picture").expect("a note");

    let mut camera = replay(&folder, &as_fast_as_possible());
    assert_eq!(next_frame(camera.as_mut()).format.pixels, PixelFormat::Rgb24);
    assert_eq!(next_frame(camera.as_mut()).format.pixels, PixelFormat::Grey);
    assert!(matches!(
        camera.capture(PATIENCE),
        Ok(Captured::Dropped(DropCause::DecodeFailed))
    ));
    let complaint = camera.complaint().expect("it has a name and a reason");
    assert!(complaint.contains("shot3.png: "), "{complaint}");
    let last = next_frame(camera.as_mut());
    assert_eq!((last.sequence, last.exposure_us), (3, 120_000));
    assert!(matches!(camera.capture(PATIENCE), Ok(Captured::Ended)));
}

#[test]
fn a_picture_larger_than_memory_is_counted_as_damaged() {
    let _alone = alone();
    let folder = scratch("large");
    std::fs::copy(fixture("rgb.png"), folder.join("1.png")).expect("a copy");
    let large = std::fs::File::create(folder.join("2.png")).expect("a scratch file");
    // A hole: it takes no room on the disk.
    large.set_len(1 << 40).expect("a file system that knows holes");
    let mut camera = replay(&folder, &as_fast_as_possible());
    next_frame(camera.as_mut());
    assert!(matches!(
        camera.capture(PATIENCE),
        Ok(Captured::Dropped(DropCause::DecodeFailed))
    ));
    let complaint = camera.complaint().expect("it has a name and a reason");
    assert!(complaint.contains("2.png: "), "{complaint}");
}

#[test]
fn as_fast_as_possible_waits_for_a_slot_and_loses_nothing() {
    let _alone = alone();
    let looped = CameraConfig {
        looped: true,
        ..as_fast_as_possible()
    };
    let mut camera = replay(&fixture("rgb.png"), &looped);
    let held: Vec<_> = std::iter::from_fn(|| the_pool().take()).collect();
    assert!(matches!(
        camera.capture(Duration::from_millis(5)),
        Ok(Captured::TimedOut)
    ));
    drop(held);
    assert_eq!(next_frame(camera.as_mut()).sequence, 0);
}

#[test]
fn in_real_time_a_picture_that_finds_no_slot_is_dropped_and_its_number_with_it() {
    let _alone = alone();
    let looped = CameraConfig {
        looped: true,
        rate_hz: Some(100.0),
        ..CameraConfig::default()
    };
    let mut camera = replay(&fixture("rgb.png"), &looped);
    let first = next_frame(camera.as_mut());
    let held: Vec<_> = std::iter::from_fn(|| the_pool().take()).collect();
    assert!(matches!(
        camera.capture(PATIENCE),
        Ok(Captured::Dropped(DropCause::NoSlot))
    ));
    drop(held);
    let third = next_frame(camera.as_mut());
    assert_eq!((first.sequence, third.sequence), (0, 2));
    assert_eq!(
        (third.exposure_us - first.exposure_us) % 10_000,
        0,
        "stamped with the moments they were due"
    );
}

#[test]
fn files_that_are_no_whole_picture_or_clip_are_refused_with_their_name() {
    let folder = scratch("damaged");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    let jpeg = std::fs::read(fixture("baseline.jpg")).expect("the fixture");
    let cut_jpeg = write("cut.jpg", &jpeg[..jpeg.len() / 2]);
    let png = std::fs::read(fixture("rgb.png")).expect("the fixture");
    let cut_png = write("cut.png", &png[..png.len() - 20]);
    for path in [&cut_jpeg, &cut_png] {
        let error = load_picture(path).expect_err("cut short");
        println!("{}: {error}", path.display());
    }
    for path in [
        write("empty.png", b""),
        write("text.jpg", b"hello"),
        write("header.png", &png[..12]),
    ] {
        let error = refusal(&path);
        assert!(matches!(error, OpenError::Picture(..)), "{error}");
        assert!(
            error.to_string().contains("damaged"),
            "the path is named: {error}"
        );
    }
    assert!(matches!(
        refusal(&folder.join("missing.png")),
        OpenError::Unreadable(..)
    ));
    let empty = folder.join("empty");
    std::fs::create_dir_all(&empty).expect("a folder");
    assert!(matches!(refusal(&empty), OpenError::NoPictures(_)));
    let error = refusal(&write("noise.mp4", &[7; 5000]));
    assert!(matches!(error, OpenError::Clip(..)), "{error}");
}

/// A clip of twenty pictures at 10 Hz; `None`, and said so, where there is no ffmpeg.
fn test_clip(folder: &Path, codec: &[&str]) -> Option<PathBuf> {
    test_clip_named(&folder.join("clip.mp4"), codec)
}

fn test_clip_named(clip: &Path, codec: &[&str]) -> Option<PathBuf> {
    let made = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=66x48:rate=10:duration=2",
        ])
        .args(codec)
        .arg(clip)
        .status();
    if made.is_ok_and(|status| status.success()) {
        return Some(clip.into());
    }
    baize_skips::skipped("ffmpeg");
    None
}

#[test]
fn a_clip_gives_all_its_pictures_with_its_own_times_and_the_same_bytes_every_time() {
    let _alone = alone();
    let Some(clip) = test_clip(&scratch("clip"), &["-c:v", "mpeg4", "-bf", "2"]) else {
        return;
    };
    let frames = play(replay(&clip, &as_fast_as_possible()));
    assert_eq!(frames.len(), 20);
    for (index, (sequence, exposure_us, bytes)) in frames.iter().enumerate() {
        assert_eq!((*sequence, *exposure_us), (index as u64, index as u64 * 100_000));
        assert_eq!(bytes.len(), 66 * 48 * 3 / 2);
    }
    assert_ne!(frames[0].2, frames[19].2, "the picture changes");
    assert_eq!(play(replay(&clip, &as_fast_as_possible())), frames);
}

#[test]
fn a_looped_clip_goes_on_with_its_first_picture_and_time_goes_on_too() {
    let _alone = alone();
    let Some(clip) = test_clip(&scratch("looped_clip"), &["-c:v", "mpeg4"]) else {
        return;
    };
    let looped = CameraConfig {
        looped: true,
        ..as_fast_as_possible()
    };
    let mut camera = replay(&clip, &looped);
    let mut first = None;
    for index in 0..45_u64 {
        let frame = next_frame(camera.as_mut());
        assert_eq!((frame.sequence, frame.exposure_us), (index, index * 100_000));
        if index % 20 == 0 {
            let bytes = frame.image().bytes().to_vec();
            assert_eq!(*first.get_or_insert_with(|| bytes.clone()), bytes);
        }
    }
}

#[test]
fn a_clip_that_was_cut_short_is_refused_and_says_how_much_is_there() {
    let Some(clip) = test_clip(
        &scratch("cut_clip"),
        &["-c:v", "mpeg4", "-movflags", "+faststart"],
    ) else {
        return;
    };
    let whole = std::fs::read(&clip).expect("the clip");
    std::fs::write(&clip, &whole[..whole.len() * 2 / 3]).expect("a shorter clip");
    let error = refusal(&clip).to_string();
    assert!(
        error.contains("cut short") && error.contains("of its 20 pictures"),
        "{error}"
    );
}

/// The times of the pictures that come before the recording is lost, and how it is lost.
fn play_to_the_loss(mut camera: Box<dyn Camera>) -> (Vec<u64>, CameraLost) {
    let mut times = Vec::new();
    loop {
        match camera.capture(PATIENCE) {
            Ok(Captured::Frame(frame)) => times.push(frame.exposure_us),
            Err(lost) => return (times, lost),
            other => panic!("after {} frames: {other:?}", times.len()),
        }
    }
}

/// Pictures 5 to 9 of the twenty are left out.
const GAP: [&str; 4] = ["-vf", "select=not(between(n\\,5\\,9))", "-vsync", "vfr"];

fn times_around_the_gap() -> Vec<u64> {
    (0..5).chain(10..20).map(|number| number * 100_000).collect()
}

#[test]
fn pictures_of_a_clip_of_varying_rate_keep_their_own_times() {
    let _alone = alone();
    let codec = [&GAP[..], &["-c:v", "mpeg4", "-bf", "2"]].concat();
    let Some(clip) = test_clip(&scratch("varying_rate"), &codec) else {
        return;
    };
    let frames = play(replay(&clip, &as_fast_as_possible()));
    let times: Vec<u64> = frames.iter().map(|(_, exposure_us, _)| *exposure_us).collect();
    assert_eq!(times, times_around_the_gap());
}

#[test]
fn a_picture_of_a_clip_that_cannot_be_decoded_does_not_shift_the_times_of_the_others() {
    let _alone = alone();
    let clip = scratch("damaged_picture").join("clip.mkv");
    let codec = [&GAP[..], &["-c:v", "png"]].concat();
    let Some(clip) = test_clip_named(&clip, &codec) else {
        return;
    };
    let mut bytes = std::fs::read(&clip).expect("the clip");
    let mut signatures = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, part)| part == b"\x89PNG");
    let (seventh, _) = signatures.nth(7).expect("there are fifteen");
    bytes[seventh + 1] = b'X';
    std::fs::write(&clip, &bytes).expect("a damaged clip");

    let (times, lost) = play_to_the_loss(replay(&clip, &as_fast_as_possible()));
    // ffmpeg may leave out a neighbour, too.
    assert!(times.len() >= 12 && !times.contains(&1_200_000), "{times:?}");
    let mut whole = times_around_the_gap().into_iter();
    assert!(
        times.iter().all(|time| whole.any(|own| own == *time)),
        "each has a time of its own, in order: {times:?}"
    );
    assert_eq!(times.last(), Some(&1_900_000));
    let frames = times.len() as u64;
    assert_eq!(lost, CameraLost::RecordingDamaged { frames });
}

#[test]
fn a_clip_that_breaks_off_gives_what_is_there_and_then_says_so() {
    let _alone = alone();
    let clip = scratch("broken_off").join("clip.mkv");
    let Some(clip) = test_clip_named(&clip, &["-c:v", "mpeg4"]) else {
        return;
    };
    let whole = std::fs::read(&clip).expect("the clip");
    std::fs::write(&clip, &whole[..whole.len() * 2 / 3]).expect("a shorter clip");
    let (times, lost) = play_to_the_loss(replay(&clip, &as_fast_as_possible()));
    assert!((5..20).contains(&times.len()), "{times:?}");
    let frames = times.len() as u64;
    assert_eq!(lost, CameraLost::RecordingDamaged { frames });
}
