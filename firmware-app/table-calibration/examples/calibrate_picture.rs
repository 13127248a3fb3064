//! Calibrates from pictures (PNG or JPEG) and draws what was found over the first:
//! `calibrate_picture PICTURE... [--table 9ft] [--ball MM] [--focal PX] [--output OUT.png]`.

use baize_frame::{FrameFormat, ImageView, PixelFormat};
use baize_table_calibration::{Request, calibrate, draw};
use baize_table_vision::geometry::TableSize;
use std::error::Error;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::{DecoderOptions, EncoderOptions};

struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut request = Request::new(TableSize::FT9, 57.15);
    let (mut paths, mut output) = (Vec::new(), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--table" => request.table = value()?.parse()?,
            "--ball" => request.ball_diameter_mm = value()?.parse()?,
            "--focal" => request.hints.focal_px = Some(value()?.parse()?),
            "--output" => output = Some(value()?),
            _ => paths.push(argument),
        }
    }
    let mut pictures = paths
        .iter()
        .map(|path| load(path))
        .collect::<Result<Vec<_>, _>>()?;
    let views = pictures
        .iter()
        .map(|picture| {
            let format = FrameFormat::packed(picture.width as u32, picture.height as u32, PixelFormat::Rgb24);
            ImageView::new(&picture.rgb, format)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let began = std::time::Instant::now();
    let outcome = calibrate(&views, &request);
    let took_ms = began.elapsed().as_millis();
    println!("accepted {}: {} ({took_ms} ms)", outcome.accepted, outcome.reason);
    println!(
        "residual {:?} mm, 95 % {:?} mm",
        outcome.residual_mm, outcome.residual_p95_mm
    );
    println!("corners {:?}", outcome.corners_px);
    println!("length over width seen {:?}", outcome.length_over_width_seen);
    println!(
        "sides found {:?}, focal known {}",
        outcome.sides_found, outcome.focal_known
    );
    if let Some(calibration) = outcome.calibration {
        let [x, y, z] = calibration.pose.camera_centre_mm();
        println!(
            "focal {:.1} px, k1 {:.4}, camera at {x:.0} {y:.0} {z:.0} mm",
            calibration.camera.fx, calibration.camera.k1
        );
    }
    if let (Some(output), Some(picture)) = (output, pictures.first_mut()) {
        draw(&mut picture.rgb, picture.width, picture.height, &outcome);
        save(&output, picture)?;
    }
    Ok(())
}

fn load(path: &str) -> Result<Picture, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    if bytes.starts_with(&[0xff, 0xd8]) {
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
        let rgb = decoder.decode()?;
        let (width, height) = decoder.dimensions().ok_or("no size")?;
        return Ok(Picture { width, height, rgb });
    }
    let options = options.png_set_strip_to_8bit(true);
    let mut decoder = zune_png::PngDecoder::new_with_options(ZCursor::new(&bytes), options);
    let samples = decoder.decode_raw()?;
    let (width, height) = decoder.dimensions().ok_or("no size")?;
    let channels = decoder.colorspace().ok_or("no colours")?.num_components();
    let rgb = samples
        .chunks_exact(channels)
        .flat_map(|pixel| {
            if channels < 3 {
                [pixel[0]; 3]
            } else {
                [pixel[0], pixel[1], pixel[2]]
            }
        })
        .collect();
    Ok(Picture { width, height, rgb })
}

fn save(path: &str, picture: &Picture) -> Result<(), Box<dyn Error>> {
    let options = EncoderOptions::default()
        .set_width(picture.width)
        .set_height(picture.height)
        .set_colorspace(ColorSpace::RGB);
    let mut png = Vec::new();
    zune_png::PngEncoder::new(&picture.rgb, options)
        .encode(&mut png)
        .map_err(|error| format!("{error:?}"))?;
    Ok(std::fs::write(path, png)?)
}
