//! The table stage on recordings of known motion: `tests/motion/committed`, made by pooltool-billiards 0.6.0.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use baize::observations::{Reader, write};
use baize::state_json;
use baize_table_state::{CueState, EventKind};
use baize_table_vision::geometry::{Calibration, TableSize};
use baize_table_vision::{FrameStamp, StageOutput, TableStage};
use serde_json::Value;

const SHOTS: [&str; 4] = ["shot-0162-030", "shot-0162-060", "shot-0215-030", "shot-0215-060"];

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/motion/committed")
        .join(name)
}

fn track(stem: &str) -> Vec<StageOutput> {
    let recording = BufReader::new(File::open(file(&format!("{stem}.jsonl"))).expect("it is committed"));
    let mut reader = Reader::new(recording, 1.0);
    let mut stage = TableStage::new();
    stage.set_calibration(Some(Calibration::seen_from_above(TableSize::FT9, 57.15)));
    let mut outputs = Vec::new();
    while let Some((exposure_us, seen)) = reader.next_frame().expect("it is whole") {
        let frame_id = outputs.len() as u64 + 1;
        let mut out = StageOutput::new();
        stage.judge(
            FrameStamp {
                frame_id,
                exposure_us,
            },
            Some(&seen),
            &mut out,
        );
        outputs.push(out);
    }
    outputs
}

fn truth(stem: &str) -> Value {
    let text = std::fs::read(file(&format!("{stem}.truth.json"))).expect("it is committed");
    serde_json::from_slice(&text).expect("it is JSON")
}

fn refused(recording: &str) -> String {
    let mut reader = Reader::new(recording.as_bytes(), 1.0);
    loop {
        match reader.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it was taken"),
            Err(error) => return error.to_string(),
        }
    }
}

#[test]
fn a_recorded_shot_gives_the_same_lines_every_time() {
    for stem in SHOTS {
        let lines = || -> Vec<String> {
            track(stem)
                .iter()
                .map(|out| Value::Object(state_json::output(out)).to_string())
                .collect()
        };
        assert_eq!(lines(), lines());
    }
}

#[test]
fn a_recorded_shot_begins_once_when_and_as_fast_as_it_did() {
    for stem in SHOTS {
        let truth = truth(stem);
        let outputs = track(stem);
        let strikes: Vec<_> = outputs
            .iter()
            .flat_map(|out| out.events.iter().map(move |event| (event, out.state.exposure_us)))
            .filter(|(event, _)| event.kind == EventKind::SHOT_BEGAN)
            .collect();
        assert_eq!(strikes.len(), 1, "{stem}");
        let (strike, told_us) = strikes[0];
        let struck_us = truth["strike_us"].as_u64().expect("a time");
        let frame_us = 1_000_000 / truth["fps"].as_u64().expect("a rate");
        assert!(strike.exposure_us.abs_diff(struck_us) <= frame_us, "{stem}");
        assert!(told_us - struck_us <= 100_000, "{stem}");
        let velocity = truth["strike_velocity"].as_array().expect("two numbers");
        let speed = velocity
            .iter()
            .map(|v| v.as_f64().expect("a number").powi(2))
            .sum::<f64>()
            .sqrt();
        let told = f64::from(strike.speed_mm_s.expect("a shot has a speed"));
        assert!(
            (told / speed - 1.0).abs() < 0.12,
            "{stem}: {told} instead of {speed}"
        );
    }
}

#[test]
fn a_recorded_strike_tells_the_speed_of_the_true_tip() {
    for stem in SHOTS {
        let outputs = track(stem);
        let strike = outputs
            .iter()
            .find(|out| out.state.cue_action.state == CueState::STRIKING)
            .expect("a strike");
        let told = strike.state.cue_action.tip_speed_mm_s.map(f64::from);
        let true_mm_s = truth(stem)["cue_speed_mm_s"].as_f64().expect("a speed");
        println!("{stem}: {told:?} instead of {true_mm_s:.0} mm/s");
        let told = told.expect("the swing was seen");
        assert!(
            (told / true_mm_s - 1.0).abs() < 0.12,
            "{stem}: {told} instead of {true_mm_s}"
        );
    }
}

#[test]
fn every_ball_of_a_recorded_shot_keeps_its_id() {
    for stem in SHOTS {
        let outputs = track(stem);
        let truth = truth(stem);
        let frames = truth["frames"].as_array().expect("frames");
        let place_of = |frame: &Value, name: &str| {
            let at = |i: usize| frame[name][i].as_f64().expect("a number");
            [at(0), at(1)]
        };
        let id_at = |out: &StageOutput, [x, y]: [f64; 2]| {
            out.state
                .balls
                .iter()
                .find(|ball| {
                    (f64::from(ball.position.x_mm()) - x).hypot(f64::from(ball.position.y_mm()) - y) < 20.0
                })
                .map(|ball| ball.id)
        };
        let (first, last) = (frames.len() / 8, frames.len() - 1);
        for name in frames[last].as_object().expect("balls").keys() {
            let before = id_at(&outputs[first], place_of(&frames[first], name));
            let after = id_at(&outputs[last], place_of(&frames[last], name));
            assert!(
                before.is_some() && before == after,
                "{stem}: {name} was {before:?}, is {after:?}"
            );
        }
    }
}

#[test]
fn what_no_frame_can_say_is_refused_with_its_line() {
    let good = r#"{"exposure_us":1,"observations":[],"cue":null}"#;
    let second = |line: &str| refused(&format!("{good}\n{line}\n"));
    // Of a device that never ends a line no more is read than shows that it is none.
    assert!(second(&"0".repeat(4 << 20)).contains("line 2: too long"));
    assert!(second("{").starts_with("line 2: "));
    assert!(second(good).contains("not later than the frame before"));
    assert!(second(r#"{"observations":[]}"#).contains("missing field `exposure_us`"));
    let with = |ball: &str| {
        second(&format!(
            r#"{{"exposure_us":2,"observations":[{ball}],"cue":null}}"#
        ))
    };
    assert!(with(r#"{"x_mm":1,"y_mm":2,"kind":"queen","number":null,"score":1}"#).contains("queen"));
    assert!(with(r#"{"x_mm":1,"y_mm":2,"kind":"ball","number":16,"score":1}"#).contains("number 16"));
    assert!(with(r#"{"x_mm":1,"y_mm":2,"kind":"ball","number":null,"score":1.5}"#).contains("score 1.5"));
    assert!(with(r#"{"x_mm":1e300,"y_mm":2,"kind":"ball","number":null,"score":1}"#).contains("x_mm"));
    let ball = r#"{"x_mm":1,"y_mm":2,"kind":"ball","number":null,"score":1}"#;
    assert!(with(&[ball; 49].join(",")).contains("more than 48"));
}

#[test]
fn what_is_written_is_read_again() {
    let recording = BufReader::new(File::open(file("shot-0215-030.jsonl")).expect("it is committed"));
    let mut reader = Reader::new(recording, 1.0);
    while let Some((exposure_us, seen)) = reader.next_frame().expect("it is whole") {
        let mut text = Vec::new();
        write(&mut text, exposure_us, &seen).expect("memory takes it");
        let again = Reader::new(&text[..], 1.0).next_frame().expect("it is whole");
        assert_eq!(again, Some((exposure_us, seen)));
    }
}
