//! Clips, and recordings of which something is missing: what is there is played, what is not is said, and the exit code
//! tells.

use std::path::{Path, PathBuf};
use std::process::Command;

use baize_simulated_table::Random;
use baize_tests::{Finished, SMALL_MODEL, Scratch, pictures, run};

const PICTURES: usize = 20;
const SIZE: (u32, u32) = (320, 192);

fn replay(recording: &Path) -> Finished {
    let recording = recording.to_str().expect("the temporary folder's name is text");
    run([
        "replay",
        recording,
        "--model",
        SMALL_MODEL,
        "--backend",
        "rten",
        "--json",
    ])
}

/// A clip of the simulated table; `None`, and said so, without the program `ffmpeg`.
fn clip(scratch: &Scratch, name: &str, size: (u32, u32), count: usize) -> Option<PathBuf> {
    let folder = scratch.path().join("pictures");
    pictures::record(&folder, pictures::scene(7, 5), size, count);
    let clip = scratch.path().join(name);
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-framerate", "10", "-i"])
        .arg(folder.join("%04d.png"))
        .args(["-c:v", "mpeg4", "-q:v", "2"])
        .arg(&clip)
        .status();
    if made.is_ok_and(|status| status.success()) {
        return Some(clip);
    }
    baize_skips::skipped("ffmpeg");
    None
}

/// Overwrites the part of a file between two fractions of its length.
fn overwrite_with_noise(file: &Path, from: f64, to: f64) {
    let mut bytes = std::fs::read(file).expect("it is there");
    let at = |part: f64| (bytes.len() as f64 * part) as usize;
    let (from, to) = (at(from), at(to));
    let mut random = Random::new(7, 0);
    bytes[from..to].fill_with(|| random.range(0.0, 256.0) as u8);
    std::fs::write(file, bytes).expect("it can be written");
}

#[test]
fn a_bad_picture_in_a_folder_is_named_with_the_reason_after_all_the_others_were_played() {
    let scratch = Scratch::new();
    pictures::record(scratch.path(), pictures::scene(1, 5), SIZE, 3);
    scratch.write("0000a.png", "no picture");
    let finished = replay(scratch.path());
    finished.refused_with(&["0000a.png: this is neither a PNG nor a JPEG", "1 of its pictures"]);
    let frames: Vec<u64> = finished
        .json()
        .iter()
        .map(|line| line["exposure_us"].as_u64().expect("a time"))
        .collect();
    let interval_us = pictures::INTERVAL_US;
    assert_eq!(frames, [0, 2 * interval_us, 3 * interval_us]);
}

#[test]
fn a_clip_that_breaks_off_is_played_to_where_it_does_and_said_to_be_damaged() {
    let scratch = Scratch::new();
    let Some(clip) = clip(&scratch, "cut.mkv", SIZE, PICTURES) else {
        return;
    };
    let whole = std::fs::read(&clip).expect("it was just made");
    std::fs::write(&clip, &whole[..whole.len() / 2]).expect("it can be written");
    let finished = replay(&clip);
    finished.refused_with(&["cut.mkv: the recording is damaged", "File ended prematurely"]);
    let played = finished.out.len();
    assert!((3..PICTURES).contains(&played), "{played}");
}

#[test]
fn of_a_clip_with_noise_in_its_middle_every_picture_there_is_is_played_and_few_lines_say_what_is_wrong() {
    let scratch = Scratch::new();
    let Some(clip) = clip(&scratch, "noise.mp4", SIZE, PICTURES) else {
        return;
    };
    overwrite_with_noise(&clip, 0.3, 0.6);
    let finished = replay(&clip);
    finished.refused_with(&["noise.mp4: the recording is damaged"]);
    assert!(finished.out.len() >= PICTURES / 2, "{}", finished.out.len());
    let words = finished
        .err
        .iter()
        .filter(|line| line.contains("ffmpeg, playing"))
        .count();
    // Five and a count, for each of the two times that it is played: once to find the table.
    assert!((1..=12).contains(&words), "{}", finished.said());
    assert!(!finished.said().contains("did not fit the queue"));
}

#[test]
fn a_clip_is_calibrated_from_its_first_picture() {
    let scratch = Scratch::new();
    let Some(clip) = clip(&scratch, "clip.mp4", (1280, 720), 2) else {
        return;
    };
    let clip = clip.to_str().expect("the temporary folder's name is text");
    let result = run(["calibrate", clip, "--json"]).succeeded().json().remove(0);
    assert_eq!(result["accepted"], true, "{result}");
    assert_eq!(result["table_mm"][0], 2540.0);
}
