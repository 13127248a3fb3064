//! Looks at V4L2 cameras through this crate, and prints one line of JSON for everything that happens.
//!
//! ```text
//! v4l2_probe --list
//! v4l2_probe [--device auto|PATH|NAME] [--format YUYV] [--size 640x480] [--io auto|mmap|userptr] [--frames 10]
//!            [--exposure-us 5000] [--gain 100] [--hold SLOTS] [--recover]
//! ```
//! `--hold` keeps that many frames before giving the oldest back, as a busy pipeline does; `--recover` opens a lost
//! camera again. At the end stands what capturing allocated, which is to be nothing. The exit status is 1 for a camera that was refused or lost, 2 for a wrong option.

use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use baize_camera::{
    Backoff, BufferWish, Camera, CameraConfig, CameraLost, Captured, Frame, SourceSpec, list_cameras, open,
};
use baize_realtime::clock::monotonic_us;
use baize_realtime::sealing::{Role, SealingAllocator, allocations_after_sealing, seal_this_thread};

#[global_allocator]
static ALLOCATOR: SealingAllocator = SealingAllocator;

/// Without a picture for so long the probe gives up.
const PATIENCE: Duration = Duration::from_secs(20);

struct Options {
    source: SourceSpec,
    config: CameraConfig,
    frames: u32,
    hold: usize,
    recover: bool,
}

fn main() -> ExitCode {
    // One logger is set, at the very beginning: this cannot fail.
    let _ = log::set_logger(&JsonLogger);
    log::set_max_level(log::LevelFilter::Info);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["--list"] {
        list();
        return ExitCode::SUCCESS;
    }
    match parse(&arguments) {
        Ok(options) => run(&options),
        Err(error) => {
            line(&[("wrong_option", quoted(&error))]);
            ExitCode::from(2)
        }
    }
}

fn list() {
    for camera in list_cameras() {
        let stable = camera
            .stable
            .map_or("null".into(), |path| quoted(&path.display().to_string()));
        let offers: Vec<String> = camera
            .offers
            .iter()
            .map(|offer| quoted(&offer.to_string()))
            .collect();
        line(&[
            ("camera", quoted(&camera.node.display().to_string())),
            ("stable", stable),
            ("card", quoted(&camera.card)),
            ("driver", quoted(&camera.driver)),
            ("offers", format!("[{}]", offers.join(","))),
        ]);
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        source: "v4l2:auto".parse().map_err(|error| format!("{error}"))?,
        config: CameraConfig::default(),
        frames: 10,
        hold: 0,
        recover: false,
    };
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        if option == "--recover" {
            options.recover = true;
            continue;
        }
        let value = rest.next().ok_or_else(|| format!("{option} needs a value"))?;
        let number = || {
            value
                .parse::<u32>()
                .map_err(|error| format!("{option} {value}: {error}"))
        };
        match option.as_str() {
            "--device" => {
                options.source = format!("v4l2:{value}")
                    .parse()
                    .map_err(|error| format!("{error}"))?
            }
            "--format" => options.config.pixels = value.parse().map_err(|error| format!("{error}"))?,
            "--io" => {
                options.config.buffers = match value.as_str() {
                    "auto" => BufferWish::Auto,
                    "mmap" => BufferWish::Mmap,
                    "userptr" => BufferWish::UserPtr,
                    _ => return Err(format!("--io {value}: one of auto, mmap, userptr")),
                }
            }
            "--size" => {
                let sides = value
                    .split_once('x')
                    .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
                options.config.size = Some(sides.ok_or_else(|| format!("--size {value}: such as 640x480"))?);
            }
            "--frames" => options.frames = number()?,
            "--exposure-us" => options.config.controls.exposure_us = Some(number()?),
            "--gain" => options.config.controls.gain = Some(number()? as i32),
            "--hold" => options.hold = number()? as usize,
            _ => return Err(format!("unknown option {option}")),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> ExitCode {
    let mut left = options.frames;
    let mut backoff = Backoff::new(1);
    loop {
        match open(&options.source, &options.config) {
            Ok(mut camera) => {
                announce(camera.as_ref());
                match watch(camera.as_mut(), &mut left, options.hold) {
                    Ok(()) => return ExitCode::SUCCESS,
                    Err(reason) => line(&[("lost", quoted(&reason.to_string()))]),
                }
            }
            Err(error) => line(&[("refused", quoted(&error.to_string()))]),
        }
        if !options.recover {
            return ExitCode::FAILURE;
        }
        std::thread::sleep(backoff.next_wait());
    }
}

fn announce(camera: &dyn Camera) {
    let format = camera.format();
    line(&[
        ("opened", quoted(camera.describe())),
        ("pixels", quoted(&format!("{:?}", format.pixels))),
        ("width", format.width.to_string()),
        ("height", format.height.to_string()),
        ("stride", format.stride.to_string()),
        (
            "interval_us",
            camera
                .frame_interval_us()
                .map_or("null".into(), |us| us.to_string()),
        ),
    ]);
}

/// Prints what comes until no frame is `left` to be seen.
fn watch(camera: &mut dyn Camera, left: &mut u32, hold: usize) -> Result<(), CameraLost> {
    let mut held: VecDeque<Frame> = VecDeque::new();
    let mut last_sign = Instant::now();
    while *left > 0 && last_sign.elapsed() < PATIENCE {
        let sealed = seal_this_thread(Role::Capture);
        let captured = camera.capture(Duration::from_millis(500));
        drop(sealed);
        match captured? {
            Captured::Frame(frame) => {
                *left -= 1;
                show(&frame);
                held.push_back(frame);
                if held.len() > hold {
                    held.pop_front();
                }
            }
            Captured::Dropped(cause) => {
                line(&[
                    ("dropped", quoted(&format!("{cause:?}"))),
                    ("frames", cause.frames().to_string()),
                ]);
                if held.len() == hold {
                    held.pop_front();
                }
            }
            Captured::TimedOut => {
                line(&[("timed_out", "true".into())]);
                continue;
            }
            Captured::Ended => return Ok(()),
        }
        last_sign = Instant::now();
    }
    if *left > 0 {
        line(&[("silent_for_s", PATIENCE.as_secs().to_string())]);
        std::process::exit(1);
    }
    let counts = allocations_after_sealing(Role::Capture);
    line(&[
        ("allocations", counts.allocations.to_string()),
        ("frees", counts.frees.to_string()),
    ]);
    Ok(())
}

fn show(frame: &Frame) {
    let bytes = frame.image().bytes();
    let checksum = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    });
    line(&[
        ("frame", frame.sequence.to_string()),
        ("exposure_us", frame.exposure_us.to_string()),
        (
            "age_us",
            (monotonic_us() as i64 - frame.exposure_us as i64).to_string(),
        ),
        ("slot", frame.slot.index().to_string()),
        ("bytes", frame.bytes_used.to_string()),
        ("checksum", quoted(&format!("{checksum:016x}"))),
    ]);
}

fn line(fields: &[(&str, String)]) {
    let fields: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("\"{key}\":{value}"))
        .collect();
    println!("{{{}}}", fields.join(","));
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

struct JsonLogger;

impl log::Log for JsonLogger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        line(&[(record.level().as_str(), quoted(&record.args().to_string()))]);
    }

    fn flush(&self) {}
}
