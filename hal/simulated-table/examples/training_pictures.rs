//! Writes varied pictures of simulated tables as PNG, each with its exact truth as JSON, for training a detector.
//!
//! `cargo run --release -p baize-simulated-table --example training_pictures -- --out DIR --count N --seed S`
//! `[--width W --height H]`; without a size, sizes vary from 960x540 to 1920x1080.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use baize_frame::{BallKind, FrameFormat, PixelFormat};
use baize_simulated_table::{CueTruth, Play, Random, Scene, Shot, SimulatedTable, Truth};
use serde_json::{Value, json};
use zune_core::bit_depth::BitDepth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;
use zune_png::PngEncoder;

struct Options {
    out: PathBuf,
    count: u64,
    seed: u64,
    size: Option<(u32, u32)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = parse(std::env::args().skip(1))?;
    fs::create_dir_all(&options.out)?;
    for number in 0..options.count {
        let seed = options.seed.wrapping_mul(1_000_003).wrapping_add(number);
        let mut random = Random::new(seed, 77);
        let sizes = [
            (960, 540),
            (1024, 576),
            (1280, 720),
            (1280, 960),
            (1600, 900),
            (1920, 1080),
        ];
        let (width, height) = options.size.unwrap_or_else(|| random.pick(&sizes));
        let format = FrameFormat::packed(width, height, PixelFormat::Rgb24);
        let mut table = table(seed, format, &mut random)?;
        let mut pixels = vec![0; format.size_bytes()];
        table.render(&mut pixels)?;
        let name = format!("s{}_{number:06}", options.seed);
        let encoding = EncoderOptions::default()
            .set_width(width as usize)
            .set_height(height as usize)
            .set_depth(BitDepth::Eight)
            .set_colorspace(ColorSpace::RGB);
        let mut png = Vec::new();
        PngEncoder::new(&pixels, encoding)
            .encode(&mut png)
            .map_err(|error| format!("{name}.png: {error:?}"))?;
        fs::write(options.out.join(format!("{name}.png")), png)?;
        let truth = describe(table.truth(), width, height);
        fs::write(options.out.join(format!("{name}.json")), truth.to_string())?;
    }
    Ok(())
}

/// A still scene, sometimes with balls that roll, sometimes in the middle of a game.
fn table(seed: u64, format: FrameFormat, random: &mut Random) -> Result<SimulatedTable, Box<dyn Error>> {
    let mut scene = Scene::random(seed);
    let game = random.chance(0.2);
    if game {
        scene.play = Play::Random;
        scene.person = true;
    }
    let mut table = SimulatedTable::new(scene, format)?;
    if game {
        table.advance((random.range(0.5, 15.0) * 1e6) as u64);
    } else if random.chance(0.25) {
        let on_table = table.truth().balls.iter().filter(|ball| !ball.pocketed);
        let moving: Vec<u8> = on_table
            .filter(|_| random.chance(0.4))
            .map(|ball| ball.id)
            .collect();
        for id in moving {
            let shot = Shot {
                speed_mm_s: random.log_range(50.0, 6000.0),
                direction_rad: random.range(0.0, std::f64::consts::TAU),
                top_spin: random.range(-1.0, 1.0),
                side_spin: random.range(-1.0, 1.0),
            };
            table.shoot(id, &shot)?;
        }
    }
    Ok(table)
}

fn describe(truth: &Truth, width: u32, height: u32) -> Value {
    let on_table = truth.balls.iter().filter(|ball| !ball.pocketed);
    let inside =
        |p: [f64; 2]| (0.0..f64::from(width)).contains(&p[0]) && (0.0..f64::from(height)).contains(&p[1]);
    let balls: Vec<Value> = on_table
        .filter(|ball| inside(ball.centre_px))
        .map(|ball| {
            let [left, top, right, bottom] = ball.box_px;
            let kind = match ball.kind {
                BallKind::Cue => "cue",
                BallKind::Eight => "eight",
                BallKind::Solid => "solid",
                BallKind::Stripe => "stripe",
                BallKind::Ball => "ball",
            };
            json!({
                "kind": kind,
                "number": ball.number,
                "x": (left + right) / 2.0,
                "y": (top + bottom) / 2.0,
                "w": right - left,
                "h": bottom - top,
                "cx": ball.centre_px[0],
                "cy": ball.centre_px[1],
                "occluded": 1.0 - ball.visible,
            })
        })
        .collect();
    let cues: Vec<Value> = truth
        .cues
        .iter()
        .filter_map(|cue| describe_cue(cue, truth, inside))
        .collect();
    json!({
        "width": width,
        "height": height,
        "balls": balls,
        "cues": cues,
        "corners": truth.nose_corners_px,
    })
}

/// A cue from where it enters the picture to where it leaves it: a lens bends its image, so that the line between its true ends may lie
/// beside what shows. `None` where nothing of it does.
fn describe_cue(cue: &CueTruth, truth: &Truth, inside: impl Fn([f64; 2]) -> bool) -> Option<Value> {
    /// Dense enough for the picture's edge to be met within a pixel, unless the cue passes right before the camera.
    const PLACES: u32 = 2000;
    let pixel = |place: u32| {
        let part = f64::from(place) / f64::from(PLACES);
        let at_mm = std::array::from_fn(|k| cue.tip_mm[k] + part * (cue.butt_mm[k] - cue.tip_mm[k]));
        truth.camera.project(at_mm).filter(|&pixel| inside(pixel))
    };
    let from = (0..=PLACES).find(|&place| pixel(place).is_some())?;
    // Beyond the first place outside: a lens may fold what is far outside back into the picture.
    let shown = (from..=PLACES).map_while(pixel);
    let (tip, butt) = (pixel(from)?, shown.last()?);
    Some(json!({
        "tip": tip,
        "butt": butt,
        "tip_visible": pixel(0).is_some(),
        "butt_visible": pixel(PLACES).is_some(),
    }))
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Box<dyn Error>> {
    const USAGE: &str = "usage: training_pictures --out DIR --count N --seed S [--width W --height H]";
    let mut options = Options {
        out: PathBuf::new(),
        count: 0,
        seed: 0,
        size: None,
    };
    let (mut width, mut height) = (None, None);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match name.as_str() {
            "--out" => options.out = value.into(),
            "--count" => options.count = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--width" => width = Some(value.parse()?),
            "--height" => height = Some(value.parse()?),
            _ => return Err(USAGE.into()),
        }
    }
    options.size = width.zip(height);
    if options.out.as_os_str().is_empty() || options.count == 0 {
        return Err(USAGE.into());
    }
    Ok(options)
}
