//! `baize replay`, `detect`, `calibrate` and `bench` on recordings: rendered ones here, real ones where they are at hand.

use baize_frame::{FrameFormat, PixelFormat};
use baize_simulated_table::SimulatedTable;
use baize_tests::positions::RandomCamera;
use baize_tests::{SMALL_MODEL, Scratch, pictures, run};
use serde_json::{Value, json};

fn numbers(values: &Value) -> Vec<f64> {
    values
        .as_array()
        .map(|values| values.iter().filter_map(Value::as_f64).collect())
        .unwrap_or_default()
}

#[test]
fn the_same_frames_give_the_same_lines() {
    let scratch = Scratch::new();
    pictures::record(scratch.path(), pictures::scene(5, 9), (1280, 720), 6);
    let folder = scratch.path().to_str().expect("text");
    let replay = || run(["replay", folder, "--backend", "rten", "--json"]).succeeded();
    let (first, second) = (replay(), replay());
    assert_eq!(first.out.len(), 6);
    assert_eq!(first.out, second.out);
    for (index, line) in first.json().iter().enumerate() {
        assert_eq!(line["frame"], json!(index + 1));
        assert_eq!(line["exposure_us"], json!(index as u64 * pictures::INTERVAL_US));
        assert!(line["cue"].is_null() || line["cue"].is_object());
    }
}

#[test]
fn a_folder_is_played_at_the_rate_of_the_configuration() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("pictures");
    pictures::record(&folder, pictures::scene(5, 9), (320, 192), 3);
    let config = scratch.write("baize.toml", "[camera]\nfps = 10\n");
    let (folder, config) = (folder.to_str().expect("text"), config.to_str().expect("text"));
    let args = [
        "replay",
        folder,
        "--config",
        config,
        "--model",
        SMALL_MODEL,
        "--json",
    ];
    let lines = run(args).succeeded().json();
    let times: Vec<&Value> = lines.iter().map(|line| &line["exposure_us"]).collect();
    assert_eq!(times, [0, 100_000, 200_000]);
}

#[test]
fn a_single_picture_yields_its_balls_at_once() {
    let scratch = Scratch::new();
    let files = pictures::record(scratch.path(), pictures::scene(5, 9), (1280, 720), 1);
    let picture = files[0].to_str().expect("text");
    let line = run(["replay", picture, "--backend", "rten", "--json"])
        .succeeded()
        .json()
        .remove(0);
    let balls = line["balls"].as_array().expect("a list").clone();
    assert!(balls.len() >= 6, "{line}");
    let keys = [
        "id", "kind", "number", "x_mm", "y_mm", "vx_mm_s", "vy_mm_s", "sigma_mm", "moving", "seen", "score",
    ];
    for ball in &balls {
        for key in keys.iter().chain(&["x_px", "y_px"]) {
            assert!(ball.get(key).is_some(), "{key} is missing in {ball}");
        }
    }
    assert!(line["flags"].is_array());
}

#[test]
fn a_calibration_tells_where_the_table_is_and_replay_uses_it() {
    let scratch = Scratch::new();
    let files = pictures::record(scratch.path(), pictures::scene(7, 5), (1280, 720), 1);
    let picture = files[0].to_str().expect("text");
    let file = scratch.path().join("calibration.json");
    let output = file.to_str().expect("text");
    let result = run(["calibrate", picture, "--output", output, "--json"])
        .succeeded()
        .json()
        .remove(0);
    assert_eq!(result["accepted"], true, "{result}");
    assert_eq!(numbers(&result["table_mm"]), [2540.0, 1270.0]);
    assert_eq!(result["corners_px"].as_array().map(Vec::len), Some(4), "{result}");
    assert!(
        result["residual_mm"].as_f64().is_some_and(|mm| mm < 20.0),
        "{result}"
    );
    let args = [
        "replay",
        picture,
        "--calibration",
        output,
        "--backend",
        "rten",
        "--json",
    ];
    let line = run(args).succeeded().json().remove(0);
    assert!(
        !line["flags"]
            .as_array()
            .expect("a list")
            .contains(&json!("uncalibrated")),
        "{line}"
    );
}

#[test]
fn a_lens_that_was_measured_elsewhere_is_taken_as_it_is() {
    let scratch = Scratch::new();
    let files = pictures::record(scratch.path(), pictures::scene(7, 5), (1280, 720), 1);
    let picture = files[0].to_str().expect("text");
    let found = scratch.path().join("calibration.json");
    let found_text = found.to_str().expect("text");
    let _ = run(["calibrate", picture, "--output", found_text]).succeeded();
    let read = |file: &std::path::Path| -> Value {
        serde_json::from_slice(&std::fs::read(file).expect("it was written")).expect("it is JSON")
    };
    let mut camera = read(&found)["calibration"]["camera"].clone();
    camera["fx"] = json!(camera["fx"].as_f64().expect("a number") * 1.01);
    camera["fy"] = camera["fx"].clone();
    let lens = scratch.write("lens.json", camera.to_string());
    let lens = lens.to_str().expect("text");
    let args = [
        "calibrate",
        picture,
        "--lens",
        lens,
        "--output",
        found_text,
        "--json",
    ];
    let focal_px = run(args).succeeded().json()[0]["focal_px"].clone();
    assert_eq!(focal_px, camera["fx"]);
    assert_eq!(read(&found)["calibration"]["camera"], camera);
}

#[test]
fn bench_counts_every_frame_and_no_allocation() {
    const FRAMES: u64 = 150;
    let frames = FRAMES.to_string();
    let source = "sim:size=640x384,balls=16,prerendered=16";
    let args = [
        "bench",
        "--source",
        source,
        "--frames",
        &frames,
        "--backend",
        "rten",
        "--json",
    ];
    let report = run(args).succeeded().json().remove(0);
    for role in ["capture", "detect", "table", "encode"] {
        assert_eq!(
            report["allocations_after_sealing"][role],
            json!(0),
            "{role}: {report}"
        );
    }
    assert!(report["allocations_after_sealing"]["inference_library"].is_u64());
    for stage in [
        "capture",
        "preprocess",
        "inference",
        "decode",
        "cut",
        "read",
        "table",
        "encode",
        "publish",
    ] {
        for figure in ["p50_us", "p90_us", "p99_us", "max_us"] {
            assert!(
                report["stages"][stage][figure].is_u64(),
                "{stage} {figure}: {report}"
            );
        }
    }
    assert!(report["own_time"]["p50_us"].is_u64() && report["exposure_to_publish"]["p99_us"].is_u64());
    let dropped: u64 = report["dropped"]
        .as_object()
        .expect("by cause")
        .values()
        .map(|count| count.as_u64().expect("a count"))
        .sum();
    let processed = report["processed"].as_u64().expect("a count");
    let due = report["frames"].as_u64().expect("a count");
    assert!(due >= FRAMES && processed > 0, "{report}");
    assert_eq!(
        due,
        processed + dropped,
        "frames due are processed or dropped for a reason: {report}"
    );
    assert!(
        report["bytes_per_state"]["max"]
            .as_u64()
            .is_some_and(|bytes| (1..=340).contains(&bytes)),
        "{report}"
    );
    assert!(report["peak_memory_kib"].as_u64().is_some_and(|kib| kib > 0));
}

/// Every position lies on the bed, give or take a ball.
fn on_the_bed(line: &Value, length_mm: f64, width_mm: f64) {
    for ball in line["balls"].as_array().expect("a list") {
        let (x, y) = (
            ball["x_mm"].as_f64().expect("a number"),
            ball["y_mm"].as_f64().expect("a number"),
        );
        let inside = (-60.0..length_mm + 60.0).contains(&x) && (-60.0..width_mm + 60.0).contains(&y);
        assert!(inside, "{ball} is not on the bed");
    }
}

#[test]
fn a_real_photo_of_ten_balls_shows_most_of_them_on_the_bed() {
    let Some(photo) = pictures::real("real/seed_overhead/table_w_balls.jpg") else {
        return;
    };
    let photo = photo.to_str().expect("text");
    let found = run(["detect", photo, "--backend", "rten", "--json"])
        .succeeded()
        .json()
        .remove(0);
    let (width, height) = (
        found["width"].as_f64().expect("px"),
        found["height"].as_f64().expect("px"),
    );
    let detections = found["detections"].as_array().expect("a list").clone();
    let balls = detections
        .iter()
        .filter(|detection| detection["class"] != "cue_stick")
        .count();
    assert!((7..=13).contains(&balls), "{balls} balls where ten lie");
    for detection in &detections {
        let (x, y) = (
            detection["x"].as_f64().expect("px"),
            detection["y"].as_f64().expect("px"),
        );
        assert!(
            (0.0..width).contains(&x) && (0.0..height).contains(&y),
            "{detection}"
        );
        if detection["class"] != "cue_stick" {
            let number = &detection["number"];
            let possible = number.as_u64().is_some_and(|number| number <= 15);
            assert!(number.is_null() || possible, "{detection}");
            let kinds = detection["kinds"].as_object().expect("kinds");
            let shares = || kinds.values().map(|share| share.as_f64().expect("a share"));
            assert_eq!(kinds.len(), 5, "{detection}");
            assert!(
                shares().all(|share| share >= 0.0) && shares().sum::<f64>() < 1.001,
                "{detection}"
            );
            let class = detection["class"].as_str().expect("a name");
            let most = shares().fold(0.0, f64::max);
            assert!(class == "ball" || kinds[class] == most, "{detection}");
        }
    }
    let line = run(["replay", photo, "--table", "7ft", "--backend", "rten", "--json"])
        .succeeded()
        .json()
        .remove(0);
    let seen = line["balls"].as_array().expect("a list").len();
    assert!((5..=13).contains(&seen), "{seen} balls where ten lie: {line}");
    on_the_bed(&line, 1981.2, 990.6);
}

#[test]
fn a_real_photo_of_an_empty_table_shows_no_balls() {
    let Some(photo) = pictures::real("real/seed_overhead/empty_table.jpg") else {
        return;
    };
    let photo = photo.to_str().expect("text");
    let line = run(["replay", photo, "--table", "7ft", "--backend", "rten", "--json"])
        .succeeded()
        .json()
        .remove(0);
    let seen = line["balls"].as_array().expect("a list").len();
    assert!(seen <= 2, "{seen} balls on an empty table: {line}");
}

#[test]
fn a_real_clip_of_a_break_becomes_states_with_balls_on_the_bed() {
    let Some(clip) = pictures::real("video/james_ecd_pub_pool_a.mp4") else {
        return;
    };
    let clip = clip.to_str().expect("text");
    let args = [
        "replay",
        clip,
        "--table",
        "7ft",
        "--frames",
        "50",
        "--backend",
        "rten",
        "--json",
    ];
    let lines = run(args).succeeded().json();
    assert_eq!(lines.len(), 50);
    for pair in lines.windows(2) {
        let step_us = pair[1]["exposure_us"]
            .as_i64()
            .zip(pair[0]["exposure_us"].as_i64())
            .map(|(b, a)| b - a);
        assert_eq!(step_us, Some(40_000), "the clip has 25 frames a second");
    }
    let last = lines.last().expect("there are fifty");
    let balls = last["balls"].as_array().expect("a list").len();
    assert!((8..=22).contains(&balls), "{balls} balls: {last}");
    for line in &lines {
        on_the_bed(line, 1981.2, 990.6);
    }
}

#[test]
fn the_small_balls_of_a_whole_snooker_table_are_found_one_by_one() {
    // Balls of twelve pixels, most of them in pairs; four pixels wide in the network's input.
    let format = FrameFormat::packed(1920, 1080, PixelFormat::Rgb24);
    let camera = RandomCamera::new(85);
    let mut table = SimulatedTable::new(camera.scene, format).expect("the format is that of a picture");
    table.advance(3_000_000);
    let mut bytes = vec![0; format.size_bytes()];
    table
        .render(&mut bytes)
        .expect("the buffer has the format's size");
    let scratch = Scratch::new();
    let file = scratch.path().join("snooker.png");
    pictures::write_png(&file, &bytes, (1920, 1080));
    let file = file.to_str().expect("text");
    let line = run(["detect", file, "--backend", "rten", "--json"])
        .succeeded()
        .json()
        .remove(0);
    let found: Vec<[f64; 3]> = line["detections"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|seen| seen["class"] != "cue_stick")
        .map(|seen| ["x", "y", "w"].map(|key| seen[key].as_f64().expect("a number")))
        .collect();
    let visible = table.truth().balls.iter().filter(|ball| ball.visible > 0.9);
    let centres: Vec<[f64; 2]> = visible.map(|ball| ball.centre_px).collect();
    let is_found = |centre: &&[f64; 2]| {
        let near = |ball: &&[f64; 3]| (ball[0] - centre[0]).hypot(ball[1] - centre[1]) < 0.25 * ball[2];
        found.iter().filter(near).count() == 1
    };
    let count = centres.iter().filter(is_found).count();
    assert!(
        centres.len() >= 10 && count + 1 >= centres.len(),
        "{count} of {centres:?}: {found:?}"
    );
    assert!(found.len() <= centres.len() + 1, "{found:?}");

    let settings = "[table]\nsize = \"snooker12\"\ngame = \"snooker\"\nball_diameter_mm = 52.5\n";
    let balls = |closer: bool| {
        let config = format!("{settings}\n[detector]\nbackend = \"rten\"\ncloser = {closer}\n");
        let config = scratch.write("baize.toml", config);
        let line = run([
            "replay",
            file,
            "--config",
            config.to_str().expect("text"),
            "--json",
        ])
        .succeeded()
        .json()
        .remove(0);
        line["balls"].as_array().expect("a list").len()
    };
    let (once, again) = (balls(false), balls(true));
    assert!(
        again + 1 >= centres.len(),
        "{again} of {} with a second look",
        centres.len()
    );
    assert!(once < again, "the second look finds more than the first, {once}");
}
