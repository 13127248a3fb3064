//! The binding of TensorRT, against a libnvinfer of our own.
#![cfg(feature = "gpu")]

mod fakes;

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use baize_accelerator::preprocess::Preprocessor;
use baize_accelerator::tensorrt::messages::{self, Severity};
use baize_accelerator::tensorrt::{
    BindError, Engine, EngineError, EnqueueError, ExecutionContext, Library, LibraryError, Runtime,
};
use baize_accelerator::{Decoder, ModelFiles, ReaderManifest};
use baize_frame::{Detections, FrameFormat, ImageView, PixelFormat};
use common::{Disc, fixture, picture, spots_on_rten};
use fakes::nvinfer;

const DOUBLE: &str = "baize-fake-plan\ninput x f32 1x1x2x2\noutput y f32 1x1x2x2\nscratch 64\n";

/// What TensorRT says is kept once for the process: tests that listen take turns.
fn listening() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    while messages::next().is_some() {}
    messages::lost();
    turn
}

fn runtime() -> Option<Runtime> {
    let library = Library::open(Some(&nvinfer::library(&[])?)).expect("a version that is known");
    Some(library.runtime().expect("the fake starts"))
}

fn engine(plan: &str) -> Option<Engine> {
    Some(runtime()?.deserialize(plan.as_bytes()).expect("a good plan"))
}

/// Memory of the host, which the fake takes for that of the GPU.
struct Memory(Vec<f32>);

impl Memory {
    fn address(&mut self) -> u64 {
        self.0.as_mut_ptr().expose_provenance() as u64
    }
}

/// A context with everything bound, and its memory: scratch, then the tensors in the order given.
fn bound(engine: &Engine, tensors: &[(&str, usize)]) -> (ExecutionContext, Vec<Memory>) {
    let mut context = engine.context().expect("a context");
    let mut memory = vec![Memory(vec![0.0; engine.scratch_bytes().div_ceil(4) as usize])];
    // SAFETY: the memory is as large as said, and the tests keep it beside the context.
    unsafe { context.set_scratch(memory[0].address(), engine.scratch_bytes()) };
    for &(name, floats) in tensors {
        let mut tensor = Memory(vec![0.0; floats]);
        // SAFETY: as above.
        unsafe { context.bind(name, tensor.address()) }.expect("the engine has it");
        memory.push(tensor);
    }
    (context, memory)
}

fn run(context: &mut ExecutionContext) -> Result<(), EnqueueError> {
    // SAFETY: without CUDA there are no streams, and the fake is done when it returns.
    unsafe { context.enqueue(ptr::null_mut()) }
}

#[test]
fn a_network_computes_from_where_its_input_was_bound_to_where_its_output_was() {
    let _turn = listening();
    let Some(engine) = engine(DOUBLE) else { return };
    let (mut context, mut memory) = bound(&engine, &[("x", 4), ("y", 4)]);
    memory[1].0.copy_from_slice(&[0.0, 1.0, -3.0, 0.5]);
    run(&mut context).expect("a run");
    assert_eq!(memory[2].0, [1.0, 3.0, -5.0, 2.0]);

    let mut elsewhere = Memory(vec![0.0; 4]);
    memory[1].0.fill(2.0);
    // SAFETY: the memory is as large as the tensor and outlives the context's last run.
    unsafe { context.bind("y", elsewhere.address()) }.expect("a new place");
    run(&mut context).expect("a second run");
    assert_eq!(elsewhere.0, [5.0; 4]);
    assert_eq!(memory[2].0, [1.0, 3.0, -5.0, 2.0]);
    drop(context);
}

#[test]
fn the_fake_finds_the_spots_that_rten_finds() {
    let _turn = listening();
    let Some(engine) = engine(nvinfer::SPOTS) else {
        return;
    };
    let model = ModelFiles::from_dir(&fixture("spots")).expect("the fixture is good");
    engine
        .check_detector(model.manifest())
        .expect("the model's inputs and outputs");

    let format = FrameFormat::packed(1280, 720, PixelFormat::Rgb24);
    let discs = [
        ([300.0, 200.5], [255; 3]),
        ([800.2, 500.0], [255, 0, 0]),
        ([640.0, 90.0], [0, 0, 255]),
    ];
    let discs = discs.map(|(centre_px, rgb)| Disc {
        centre_px,
        radius_px: 12.0,
        rgb,
    });
    let bytes = picture(format, &discs);
    let image = ImageView::new(&bytes, format).expect("a picture");
    let mut preprocessor = Preprocessor::new(model.manifest().input_px());
    let input = preprocessor
        .run(&image, image.whole())
        .expect("the whole picture")
        .to_vec();
    let tensors = [
        ("image", 3 * 384 * 640),
        ("balls", 10 * 48 * 80),
        ("cues", 11 * 24 * 40),
    ];
    let (mut context, mut memory) = bound(&engine, &tensors);
    memory[1].0.copy_from_slice(&input);
    run(&mut context).expect("a run");

    let (mut ours, mut theirs) = (Detections::new(), Detections::new());
    Decoder::new(model.manifest()).decode(&memory[2].0, &memory[3].0, &preprocessor.letterbox(), &mut ours);
    spots_on_rten()
        .detect(&image, image.whole(), &mut theirs)
        .expect("a detection");
    assert_eq!((ours.balls.len(), theirs.balls.len()), (3, 3));
    for (ours, theirs) in ours.balls.iter().zip(&theirs.balls) {
        assert_eq!(ours.kind, theirs.kind);
        let off = f32::hypot(
            ours.centre_px[0] - theirs.centre_px[0],
            ours.centre_px[1] - theirs.centre_px[1],
        );
        assert!(off < 1e-2, "{ours:?} {theirs:?}");
    }
    drop(context);
}

#[test]
fn a_version_whose_tables_are_not_known_is_refused_by_its_name() {
    for (definition, version) in [
        ("FAKE_VERSION=8601", "8.6.1"),
        ("FAKE_VERSION=100200", "10.2.0"),
        ("FAKE_VERSION=110000", "11.0.0"),
    ] {
        let Some(path) = nvinfer::library(&[definition]) else {
            return;
        };
        let error = Library::open(Some(&path)).expect_err(definition);
        assert!(
            matches!(error, LibraryError::UnsupportedVersion { .. }),
            "{error:?}"
        );
        let expected =
            format!("is TensorRT {version}, this program can use 10.3.0 and newer, but not 11.0.0");
        assert!(error.to_string().contains(&expected), "{error}");
    }
    let Some(path) = nvinfer::library(&["FAKE_VERSION=101602"]) else {
        return;
    };
    let library = Library::open(Some(&path)).expect("the newest that is known");
    assert_eq!(library.version().to_string(), "10.16.2");
    library.runtime().expect("it starts");
}

#[test]
fn a_library_that_is_missing_or_another_one_is_named() {
    let missing = Path::new("/nowhere/libnvinfer.so.10");
    let error = Library::open(Some(missing)).expect_err("there is none");
    assert!(
        matches!(&error, LibraryError::NotLoaded { library, .. } if library == missing),
        "{error:?}"
    );
    for part in ["No such file", "install TensorRT 10"] {
        assert!(error.to_string().contains(part), "{error}");
    }

    let other = PathBuf::from("libc.so.6");
    let error = Library::open(Some(&other)).expect_err("another library");
    let symbol = "getInferLibVersion";
    assert_eq!(
        error,
        LibraryError::NotTensorRt {
            library: other,
            symbol
        }
    );
}

#[test]
fn the_small_pointer_that_tensorrt_returns_without_cuda_is_a_failure_with_its_words() {
    let _turn = listening();
    for definition in [
        "FAKE_NO_RUNTIME=0x228",
        "FAKE_NO_RUNTIME=0x230",
        "FAKE_NO_RUNTIME=0",
    ] {
        let Some(path) = nvinfer::library(&[definition]) else {
            return;
        };
        let library = Library::open(Some(&path)).expect("a version that is known");
        let error = library.runtime().expect_err(definition);
        assert_eq!(error.said, "CUDA initialization failure with error: 35");
    }
}

#[test]
fn a_junk_plan_is_refused_with_tensorrts_words() {
    let _turn = listening();
    let Some(runtime) = runtime() else { return };
    for junk in [
        &b""[..],
        b"\0\0\0\0",
        b"baize-fake-plan\nnonsense",
        &[0xff; 100_000],
    ] {
        let error = runtime.deserialize(junk).expect_err("junk");
        let said = "the plan is damaged".to_owned();
        assert_eq!(error, EngineError::PlanRefused { said });
    }
}

#[test]
fn an_engine_that_tells_nonsense_of_itself_is_refused() {
    let _turn = listening();
    let Some(runtime) = runtime() else { return };
    for (line, expected) in [
        ("count 99", "99 inputs and outputs"),
        ("count -2", "-2 inputs and outputs"),
        ("count 3", "no name for number 2"),
    ] {
        let plan = format!("{DOUBLE}{line}\n");
        let error = runtime.deserialize(plan.as_bytes()).expect_err(line);
        assert!(matches!(error, EngineError::Nonsense { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn every_difference_from_the_models_manifest_is_named() {
    let _turn = listening();
    let model = ModelFiles::from_dir(&fixture("spots")).expect("the fixture is good");
    for (good, bad, expected) in [
        (
            "input image",
            "input picture",
            "input `image` is missing, there is `picture`; input `picture` is not in the manifest",
        ),
        (
            "1x3x384x640",
            "1x3x320x320",
            "input `image` is f32 [1, 3, 320, 320], expected f32 [1, 3, 384, 640]",
        ),
        (
            "1x3x384x640",
            "?x3x384x640",
            "input `image` is f32 [?, 3, 384, 640], expected",
        ),
        (
            "1x3x384x640",
            "?",
            "input `image` is f32 of unknown shape, expected",
        ),
        (
            "image f32",
            "image f16",
            "input `image` is f16 [1, 3, 384, 640], expected f32",
        ),
        (
            "cues f32",
            "cues strange",
            "output `cues` is elements of type 77 [1, 11, 24, 40], expected f32",
        ),
        (
            "scratch 4096",
            "format balls 4",
            "output `balls` is f32 in packed format 4 [1, 10, 48, 80], expected f32",
        ),
        (
            "output cues",
            "input cues",
            "input `cues` is not in the manifest; output `cues` is missing",
        ),
    ] {
        let Some(engine) = engine(&nvinfer::SPOTS.replacen(good, bad, 1)) else {
            return;
        };
        let error = engine
            .check_detector(model.manifest())
            .expect_err(bad)
            .to_string();
        assert!(error.contains(expected), "{bad}: {error}");
    }
}

#[test]
fn a_reader_is_checked_as_the_detector_is() {
    let _turn = listening();
    let reader =
        ModelFiles::<ReaderManifest>::from_dir(&fixture("mean-colours")).expect("the fixture is good");
    let plan =
        "baize-fake-plan\ninput crops f32 16x3x40x40\noutput faces f32 16x24x1x1\ncompute mean-colours\n";
    let Some(good) = engine(plan) else { return };
    good.check_reader(reader.manifest())
        .expect("the model's inputs and outputs");
    let wrong = engine(&plan.replacen("16x3", "8x3", 1)).expect("there was a compiler");
    let error = wrong
        .check_reader(reader.manifest())
        .expect_err("a smaller batch")
        .to_string();
    assert!(
        error.contains("input `crops` is f32 [8, 3, 40, 40], expected f32 [16, 3, 40, 40]"),
        "{error}"
    );

    let (mut context, mut memory) = bound(&good, &[("crops", 16 * 3 * 40 * 40), ("faces", 16 * 24)]);
    memory[1].0[..40 * 40].fill(1.0);
    run(&mut context).expect("a run without scratch memory");
    let (faces, others) = memory[2].0.split_at(24);
    assert_eq!((faces[3], faces[10], faces[16]), (30.0, -30.0, 8.0));
    assert!(others.iter().all(|&logit| logit == 0.0));
    drop(context);
}

#[test]
fn a_context_that_is_refused_tells_tensorrts_words() {
    let _turn = listening();
    let Some(engine) = engine(&format!("{DOUBLE}refuse-context\n")) else {
        return;
    };
    let error = engine.context().expect_err("a refusal");
    assert_eq!(error.said, "no memory for a context");
}

#[test]
fn what_was_never_bound_or_given_is_named_and_can_be_given_later() {
    let _turn = listening();
    let Some(engine) = engine(DOUBLE) else { return };
    let mut context = engine.context().expect("a context");
    let mut memory = [64, 4, 4].map(|floats| Memory(vec![0.0; floats]));
    let addresses = memory.each_mut().map(Memory::address);
    let not_bound = |tensor: &str| EnqueueError::NotBound {
        tensor: tensor.into(),
    };

    assert_eq!(run(&mut context), Err(not_bound("x")));
    // SAFETY: here and below: the memory is large enough and outlives the context.
    unsafe { context.bind("x", addresses[1]) }.expect("an input");
    assert_eq!(run(&mut context), Err(not_bound("y")));
    let unknown = BindError::Unknown { tensor: "z".into() };
    // SAFETY: as above.
    assert_eq!(unsafe { context.bind("z", addresses[2]) }, Err(unknown));
    // SAFETY: as above.
    unsafe { context.bind("y", addresses[2]) }.expect("an output");
    assert_eq!(run(&mut context), Err(EnqueueError::NoScratch { bytes: 64 }));
    // SAFETY: as above.
    unsafe { context.set_scratch(addresses[0], 63) };
    assert_eq!(run(&mut context), Err(EnqueueError::NoScratch { bytes: 64 }));
    // SAFETY: as above.
    unsafe { context.set_scratch(addresses[0], 64) };
    assert_eq!(run(&mut context), Ok(()));
    drop(context);
}

#[test]
fn refused_addresses_and_missing_sizes_are_told() {
    let _turn = listening();
    let Some(refusing) = engine(&format!("{DOUBLE}refuse-address y\n")) else {
        return;
    };
    let mut context = refusing.context().expect("a context");
    let mut memory = Memory(vec![0.0; 4]);
    // SAFETY: the memory is large enough, and nothing runs.
    let refused = unsafe { context.bind("y", memory.address()) };
    let (tensor, said) = ("y".into(), "the address is not to my liking".into());
    assert_eq!(refused, Err(BindError::Refused { tensor, said }));

    for (line, error) in [
        ("missing-sizes 1", EnqueueError::SizesMissing { count: 1 }),
        ("missing-sizes -1", EnqueueError::Refused),
    ] {
        let engine = engine(&format!("{DOUBLE}{line}\n")).expect("there was a compiler");
        let (mut context, _memory) = bound(&engine, &[("x", 4), ("y", 4)]);
        assert_eq!(run(&mut context), Err(error));
    }
}

#[test]
fn a_run_that_fails_is_an_error_with_a_message_and_the_next_one_works() {
    let _turn = listening();
    let Some(engine) = engine(&format!("{DOUBLE}fail-at 7\n")) else {
        return;
    };
    let (mut context, _memory) = bound(&engine, &[("x", 4), ("y", 4)]);
    for frame in 1..=20 {
        let expected = if frame == 7 {
            Err(EnqueueError::Refused)
        } else {
            Ok(())
        };
        assert_eq!(run(&mut context), expected, "frame {frame}");
    }
    let message = messages::next().expect("a message");
    assert_eq!(
        (message.severity, message.text.as_str()),
        (Severity::Error, "enqueueV3 was told to fail")
    );
    assert_eq!(messages::next(), None);
    drop(context);
}

#[test]
fn messages_of_other_threads_are_kept_and_those_beyond_the_ring_are_counted() {
    let _turn = listening();
    let Some(engine) = engine(&format!("{DOUBLE}chatter 3\n")) else {
        return;
    };
    let (mut context, _memory) = bound(&engine, &[("x", 4), ("y", 4)]);
    run(&mut context).expect("a run");
    let taken: Vec<_> = std::iter::from_fn(messages::next).collect();
    assert_eq!(taken.len(), 3);
    assert!(taken.iter().all(|message| message.severity == Severity::Warning));
    assert!(
        taken
            .iter()
            .all(|message| message.text == "said by another thread")
    );
    assert_eq!(messages::lost(), 0);

    for _ in 0..100 {
        run(&mut context).expect("a run");
    }
    let kept = std::iter::from_fn(messages::next).count();
    assert_eq!(kept + messages::lost() as usize, 300);
    assert!(kept >= 32, "{kept} kept");
    drop(context);
}

#[test]
fn runtime_engine_and_contexts_may_be_dropped_in_any_order() {
    let _turn = listening();
    let Some(runtime) = runtime() else { return };
    let engine = runtime.deserialize(DOUBLE.as_bytes()).expect("a good plan");
    let (mut first, _memory) = bound(&engine, &[("x", 4), ("y", 4)]);
    let second = engine.context().expect("a second context");
    // The fake ends the process where one is destroyed before what came from it.
    drop(runtime);
    drop(engine);
    run(&mut first).expect("the engine is still there");
    drop(first);
    std::thread::spawn(move || drop(second))
        .join()
        .expect("another thread drops it");
}

/// Every other test of this file again, under valgrind: no byte is read or written where there is none, and nothing is
/// forgotten.
#[test]
fn valgrind_finds_nothing_in_the_other_tests() {
    if cfg!(not(target_arch = "x86_64")) {
        // Elsewhere these tests are emulated, and valgrind is not.
        baize_skips::skipped("an x86-64 machine, for valgrind");
        return;
    }
    // rten takes minutes there, and is not what is looked at.
    let valgrind = Command::new("valgrind")
        .args([
            "--quiet",
            "--error-exitcode=99",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite",
            "--show-leak-kinds=definite",
        ])
        .arg(concat!(
            "--suppressions=",
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fakes/valgrind.supp"
        ))
        .arg(std::env::current_exe().expect("this test's program"))
        .args(["--test-threads=1", "--skip", "valgrind", "--skip", "rten"])
        .output();
    let Ok(output) = valgrind else {
        baize_skips::skipped("valgrind");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{said}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(said.is_empty(), "{said}");
}
