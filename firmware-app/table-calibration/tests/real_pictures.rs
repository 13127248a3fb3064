//! Calibration on pictures of real tables, where they are at hand (`$BAIZE_DATA`, or `../shared/data` beside the
//! workspace). Says so where they are not.

use baize_frame::{FrameFormat, ImageView, PixelFormat};
use baize_table_calibration::{Outcome, Reason, Request, calibrate};
use baize_table_vision::geometry::TableSize;
use baize_table_vision::geometry::linear::{norm2, sub2};
use std::path::{Path, PathBuf};
use std::process::Command;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

fn data(path: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = std::env::var_os("BAIZE_DATA").map_or(workspace.join("../shared/data"), PathBuf::from);
    let path = root.join(path);
    if !path.exists() {
        baize_skips::skipped(&format!(
            "{}, in the folder that $BAIZE_DATA names",
            path.file_name().unwrap_or_default().display()
        ));
        return None;
    }
    Some(path)
}

struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    fn jpeg(path: &Path) -> Self {
        let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
        let bytes = std::fs::read(path).unwrap();
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
        let rgb = decoder.decode().unwrap();
        let (width, height) = decoder.dimensions().unwrap();
        Self { width, height, rgb }
    }

    /// Undoes the squashing of pictures published as squares, between pixels.
    fn stretched(&self, width: usize, height: usize) -> Self {
        let mut rgb = Vec::with_capacity(3 * width * height);
        let place = |i: usize, to: usize, from: usize| {
            let at = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, from as f64 - 1.001);
            (at as usize, at.fract())
        };
        for y in 0..height {
            let (row, down) = place(y, height, self.height);
            for x in 0..width {
                let (column, right) = place(x, width, self.width);
                for channel in 0..3 {
                    let value =
                        |dx, dy| f64::from(self.rgb[3 * ((row + dy) * self.width + column + dx) + channel]);
                    let line = |dy| value(0, dy) * (1.0 - right) + value(1, dy) * right;
                    rgb.push((line(0) * (1.0 - down) + line(1) * down).round() as u8);
                }
            }
        }
        Self { width, height, rgb }
    }

    fn view(&self) -> ImageView<'_> {
        let format = FrameFormat::packed(self.width as u32, self.height as u32, PixelFormat::Rgb24);
        ImageView::new(&self.rgb, format).unwrap()
    }
}

/// Frames of a clip of 1280 x 720; none, and a word about it, without the program `ffmpeg`.
fn frames_of(clip: &Path, filter: &str) -> Vec<Picture> {
    let (width, height) = (1280, 720);
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(clip)
        .args(["-vf", filter, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output();
    let Ok(decoded) = decoded else {
        baize_skips::skipped("ffmpeg");
        return Vec::new();
    };
    assert!(decoded.status.success());
    let frame = |rgb: &[u8]| Picture {
        width,
        height,
        rgb: rgb.to_vec(),
    };
    decoded
        .stdout
        .chunks_exact(3 * width * height)
        .map(frame)
        .collect()
}

fn report(name: &str, outcome: &Outcome) {
    println!(
        "{name}: {}; residual {:.2?} mm, sigma {:.2?} mm, {} diamonds, corners {:.1?}",
        outcome.reason,
        outcome.residual_mm,
        outcome.place_sigma_mm,
        outcome.diamonds_found,
        outcome.corners_px
    );
}

/// Every corner within so many pixels of where a person sees the noses meet.
fn assert_corners(outcome: &Outcome, marked: [[f64; 2]; 4], within_px: f64) {
    for (found, marked) in outcome.corners_px.unwrap().iter().zip(marked) {
        assert!(
            norm2(sub2(*found, marked)) < within_px,
            "{found:?} is not {marked:?}"
        );
    }
}

#[test]
fn both_photos_of_one_table_give_the_same_noses_and_the_spots_where_the_rules_have_them() {
    let names = [
        "real/seed_overhead/empty_table.jpg",
        "real/seed_overhead/table_w_balls.jpg",
    ];
    let [Some(empty), Some(balls)] = names.map(data) else {
        return;
    };
    let outcomes = [("empty", empty), ("with balls", balls)].map(|(name, path)| {
        let outcome = calibrate(
            &[Picture::jpeg(&path).view()],
            &Request::new(TableSize::FT9, 57.15),
        );
        report(name, &outcome);
        assert!(outcome.accepted, "{}", outcome.reason);
        outcome
    });
    let marked = [[81.0, 623.5], [1198.5, 621.5], [1215.0, 51.0], [59.0, 59.5]];
    outcomes
        .iter()
        .for_each(|outcome| assert_corners(outcome, marked, 5.0));
    assert_corners(&outcomes[0], outcomes[1].corners_px.unwrap(), 2.0);
    // The spots lie a quarter of the length from either end, on the bed: independent of the noses.
    let calibration = outcomes[0].calibration.unwrap();
    for (spot_px, spot_mm) in [
        ([360.3, 344.5], [635.0, 635.0]),
        ([912.8, 341.2], [1905.0, 635.0]),
    ] {
        let off_mm = sub2(calibration.pixel_to_plane(spot_px, 0.0).unwrap(), spot_mm);
        println!("spot off by {off_mm:.1?} mm");
        assert!(norm2(off_mm) < 15.0);
    }
}

#[test]
fn every_frame_of_a_clip_from_the_hand_is_calibrated_and_merging_them_is_refused() {
    let Some(clip) = data("video/james_ecd_pub_pool_a.mp4") else {
        return;
    };
    let frames = frames_of(&clip, "fps=2");
    let views: Vec<ImageView> = frames.iter().map(Picture::view).collect();
    let request = Request::new(TableSize::FT7, 50.8);
    for (i, view) in views.iter().enumerate() {
        let outcome = calibrate(&[*view], &request);
        report(&format!("frame {i}"), &outcome);
        assert!(outcome.accepted, "{}", outcome.reason);
    }
    if let Some(first) = views.first() {
        let marked = [[142.0, 581.0], [1105.0, 557.0], [1131.0, 66.0], [97.0, 78.0]];
        assert_corners(&calibrate(&[*first], &request), marked, 6.0);
        assert_eq!(calibrate(&views, &request).reason, Reason::CameraMoved);
    }
}

#[test]
fn frames_of_a_fixed_camera_merge() {
    let Some(clip) = data("video/swhan_carom_topview.mp4") else {
        return;
    };
    let frames = frames_of(&clip, "fps=1");
    let views: Vec<ImageView> = frames.iter().map(Picture::view).collect();
    if views.is_empty() {
        return;
    }
    let request = Request::new(TableSize::CAROM, 61.5);
    let merged = calibrate(&views, &request);
    report("several frames", &merged);
    assert!(merged.accepted);
    assert_corners(&calibrate(&views[..1], &request), merged.corners_px.unwrap(), 1.0);
}

#[test]
fn pub_tables_are_calibrated_with_players_over_them() {
    for name in [
        "2024-03-28-15-41-19_mp4-0005",
        "2024-03-28-18-28-05_mp4-0008",
        "2024-03-30-11-07-17_mp4-0007",
        "2024-03-30-11-15-02_mp4-0002",
    ] {
        let Some(path) = data(&format!("real/ss19190_cue/images/{name}.jpg")) else {
            return;
        };
        let picture = Picture::jpeg(&path).stretched(1280, 720);
        let outcome = calibrate(&[picture.view()], &Request::new(TableSize::FT7, 50.8));
        report(name, &outcome);
        assert!(outcome.accepted, "{}", outcome.reason);
    }
}

#[test]
fn a_broadcast_that_squeezes_its_picture_is_refused_for_the_tables_shape() {
    let Some(path) = data("real/pix2pockets_v3/images/104.jpg") else {
        return;
    };
    let outcome = calibrate(
        &[Picture::jpeg(&path).view()],
        &Request::new(TableSize::FT9, 57.15),
    );
    report("squeezed", &outcome);
    assert!(!outcome.accepted);
    assert!((2.15..2.3).contains(&outcome.length_over_width_seen.unwrap()));
}
