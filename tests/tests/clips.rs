//! Clips of real tables, where they are at hand: what rests there is seen where it was a frame ago.

use std::ffi::OsStr;
use std::path::Path;

use baize_tests::{Scratch, pictures, run};
use serde_json::Value;

/// Two sightings farther apart than this are not of the same resting ball.
const SAME_MM: f64 = 4.0;

/// A ball that stays within this for a second rests; a rolling one goes farther.
const REST_MM: f64 = 8.0;

/// Frames over which a ball has to be seen resting.
const FRAMES: usize = 30;

/// Places as they were measured, before the table stage averages what rests: of every frame, of every ball.
fn measured_places(clip: &Path, table: &str, config: &str) -> Vec<Vec<[f64; 2]>> {
    let scratch = Scratch::new();
    let settings = scratch.write("baize.toml", config);
    let record = scratch.path().join("seen.jsonl");
    let arguments: [&OsStr; 8] = [
        "replay".as_ref(),
        clip.as_ref(),
        "--table".as_ref(),
        table.as_ref(),
        "--config".as_ref(),
        settings.as_ref(),
        "--record".as_ref(),
        record.as_ref(),
    ];
    let _ = run(arguments).succeeded();
    let lines = std::fs::read_to_string(&record).expect("it was recorded");
    lines
        .lines()
        .map(|line| {
            let frame: Value = serde_json::from_str(line).expect("a line is JSON");
            let balls = frame["observations"].as_array().expect("a list");
            let place = |ball: &Value| {
                ["x_mm", "y_mm"].map(|key| ball[key].as_f64().expect("a place has two numbers"))
            };
            balls.iter().map(place).collect()
        })
        .collect()
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The ways from frame to frame of every ball that was seen to rest, in mm, in rising order; and how many balls.
fn steps_at_rest(frames: &[Vec<[f64; 2]>]) -> (Vec<f64>, usize) {
    let mut ways: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut open: Vec<Vec<[f64; 2]>> = Vec::new();
    for balls in frames {
        let mut left = balls.clone();
        let mut going = Vec::new();
        for mut way in open.drain(..) {
            let last = way[way.len() - 1];
            let nearest = left
                .iter()
                .copied()
                .enumerate()
                .min_by(|a, b| distance(a.1, last).total_cmp(&distance(b.1, last)));
            match nearest {
                Some((at, place)) if distance(place, last) < SAME_MM => {
                    left.swap_remove(at);
                    way.push(place);
                    going.push(way);
                }
                _ => ways.push(way),
            }
        }
        going.extend(left.into_iter().map(|place| vec![place]));
        open = going;
    }
    ways.append(&mut open);
    ways.retain(|way| {
        way.len() >= FRAMES
            && way
                .iter()
                .all(|&place| distance(place, way[way.len() / 2]) < REST_MM)
    });
    let mut steps: Vec<f64> = ways
        .iter()
        .flat_map(|way| way.windows(2).map(|pair| distance(pair[0], pair[1])))
        .collect();
    steps.sort_by(f64::total_cmp);
    (steps, ways.len())
}

fn resting_balls_repeat(clip: &str, table: &str, config: &str, balls_at_least: usize) {
    let Some(clip) = pictures::real(clip) else { return };
    let (steps, balls) = steps_at_rest(&measured_places(&clip, table, config));
    assert!(balls >= balls_at_least, "only {balls} balls were seen resting");
    let (median, p95) = (steps[steps.len() / 2], steps[steps.len() * 95 / 100]);
    println!(
        "{}: {balls} resting balls, {} steps from frame to frame: median {median:.3} mm, 95 % {p95:.3} mm",
        clip.display(),
        steps.len()
    );
    assert!(
        median <= 0.3,
        "from frame to frame resting balls move by {median} mm (median)"
    );
}

#[test]
fn resting_balls_on_the_snooker_clip_are_measured_where_they_were_a_frame_ago() {
    resting_balls_repeat(
        "video/greasy_wst_snooker_successfulPot.mp4",
        "snooker12",
        "[table]\ngame = \"snooker\"\nball_diameter_mm = 52.5\n",
        10,
    );
}

#[test]
fn resting_balls_on_the_carom_clip_are_measured_where_they_were_a_frame_ago() {
    resting_balls_repeat(
        "video/swhan_carom_topview.mp4",
        "carom",
        "[table]\ngame = \"carom\"\nball_diameter_mm = 61.5\n",
        1,
    );
}
