//! Capturing neither allocates nor frees, but for the decoders of PNG and JPEG, which are counted apart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use baize_camera::{CameraConfig, Captured, Pace, SourceSpec, open};
use baize_realtime::sealing::{
    Counts, Role, SealingAllocator, allocations_after_sealing, is_installed, library_counts, seal_this_thread,
};

#[global_allocator]
static ALLOCATOR: SealingAllocator = SealingAllocator;

/// Captures so many frames as fast as possible on a sealed thread.
fn capture_sealed(source: &SourceSpec, frames: usize) {
    let config = CameraConfig {
        pace: Pace::AsFastAsPossible,
        looped: true,
        ..CameraConfig::default()
    };
    let mut camera = open(source, &config).unwrap_or_else(|error| panic!("{error}"));
    let sealed = seal_this_thread(Role::Capture);
    let mut seen = 0;
    while seen < frames {
        match camera.capture(Duration::from_secs(20)) {
            Ok(Captured::Frame(frame)) => seen += usize::from(!frame.image().bytes().is_empty()),
            other => panic!("a frame was expected, not {other:?}"),
        }
    }
    drop(sealed);
}

fn clip() -> Option<PathBuf> {
    let clip = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sealed.mp4");
    let made = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=64x48:rate=10:duration=2",
        ])
        .args(["-c:v", "mpeg4"])
        .arg(&clip)
        .status();
    made.is_ok_and(|status| status.success()).then_some(clip)
}

// One test: what the thread of another would allocate would be counted, too.
#[test]
fn a_sealed_thread_captures_without_allocating() {
    assert!(is_installed());
    capture_sealed(&"sim:size=160x96".parse().expect("a source"), 30);
    capture_sealed(&"sim:size=160x96,prerendered=3".parse().expect("a source"), 30);
    match clip() {
        Some(clip) => capture_sealed(&SourceSpec::Replay(clip), 50),
        None => baize_skips::skipped("ffmpeg"),
    }
    assert_eq!(allocations_after_sealing(Role::Capture), Counts::default());
    assert_eq!(library_counts(), Counts::default());

    let jpeg = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/baseline.jpg");
    capture_sealed(&SourceSpec::Replay(jpeg), 3);
    assert_eq!(allocations_after_sealing(Role::Capture), Counts::default());
    assert!(
        library_counts().allocations > 0,
        "the decoder's own are counted apart"
    );
}
