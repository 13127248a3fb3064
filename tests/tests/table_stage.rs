//! The table stage alone on a sealed thread: whole recorded shots, aims and a table of 22 balls without an allocation.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use baize::observations::Reader;
use baize_frame::BallKind;
use baize_realtime::sealing::{
    Counts, Policy, Role, SealingAllocator, allocations_after_sealing, seal_this_thread, set_policy,
};
use baize_table_state::{Colour, CueState, EventKind};
use baize_table_vision::geometry::{Calibration, TableSize};
use baize_table_vision::{FrameStamp, Observation, Observations, StageOutput, TableStage};

#[global_allocator]
static ALLOCATOR: SealingAllocator = SealingAllocator;

type Frames = Vec<(u64, Observations)>;

fn recordings() -> Vec<Frames> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("motion/committed");
    let files = std::fs::read_dir(folder).expect("recordings are committed");
    files
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .map(|path| {
            let mut reader = Reader::new(BufReader::new(File::open(path).expect("it is there")), 1.0);
            let mut frames = Frames::new();
            while let Some(frame) = reader.next_frame().expect("it is whole") {
                frames.push(frame);
            }
            frames
        })
        .collect()
}

/// Twenty-two balls that all start to roll at once, and run into each other and the cushions.
fn twenty_two_balls() -> Frames {
    let frame = |k: u32| {
        let run_s = f64::from(k.saturating_sub(30)) / 60.0;
        let balls = (0..22_u32).map(|i| {
            let start = [200.0 + f64::from(i % 6) * 420.0, 200.0 + f64::from(i / 6) * 290.0];
            let angle = f64::from(i) * 2.4;
            Observation {
                place_mm: [
                    (start[0] + 1500.0 * run_s * angle.cos()).clamp(30.0, 2510.0),
                    (start[1] + 1500.0 * run_s * angle.sin()).clamp(30.0, 1240.0),
                ],
                variance_mm2: [1.0; 2],
                pixel: [0.0; 2],
                kind: BallKind::ALL[(i as usize).min(4)],
                number: None,
                colour: Colour::UNKNOWN,
                kind_score: 0.9,
                score: 0.9,
            }
        });
        let seen = Observations {
            balls: balls.collect(),
            ..Observations::default()
        };
        (1_000_000 + u64::from(k) * 16_667, seen)
    };
    (0..120).map(frame).collect()
}

// One test: the counts are those of the process.
#[test]
fn tracking_identity_cue_events_and_prediction_allocate_nothing() {
    set_policy(Policy::Count);
    let mut recordings = recordings();
    recordings.push(twenty_two_balls());
    let mut stages: Vec<TableStage> = recordings.iter().map(|_| TableStage::new()).collect();
    let mut out = StageOutput::new();
    let (mut strikes, mut contacts, mut predictions, mut most_balls, mut aims) = (0, 0, 0, 0, 0);

    let sealed = seal_this_thread(Role::Table);
    for (stage, frames) in stages.iter_mut().zip(&recordings) {
        stage.set_calibration(Some(Calibration::seen_from_above(TableSize::FT9, 57.15)));
        for ((exposure_us, seen), frame_id) in frames.iter().zip(1..) {
            let stamp = FrameStamp {
                frame_id,
                exposure_us: *exposure_us,
            };
            stage.judge(stamp, Some(seen), &mut out);
            let count = |kind| out.events.iter().filter(|event| event.kind == kind).count();
            strikes += count(EventKind::SHOT_BEGAN);
            contacts += count(EventKind::BALL_CONTACT);
            predictions += usize::from(out.prediction.is_some());
            aims += usize::from(out.state.cue_action.state == CueState::AIMING);
            most_balls = most_balls.max(out.state.balls.len());
        }
    }
    drop(sealed);

    assert_eq!(allocations_after_sealing(Role::Table), Counts::default());
    assert_eq!(most_balls, 22);
    assert!(
        strikes >= 4 && contacts > 0 && predictions > 0 && aims > 0,
        "everything was run: {strikes} {contacts} {predictions} {aims}"
    );
    let sealed = seal_this_thread(Role::Table);
    drop(std::hint::black_box(Box::new(1)));
    drop(sealed);
    assert_ne!(
        allocations_after_sealing(Role::Table),
        Counts::default(),
        "an allocation would have been counted"
    );
}
