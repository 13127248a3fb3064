//! `baize demo`: a simulated table, the real pipeline, an embedded broker, and a subscriber's live view.

use std::time::{Duration, Instant};

use baize_realtime::shutdown::Signals;

use super::args::DemoArgs;
use super::watch;
use crate::appliance;
use crate::config::Config;
use crate::embedded_broker;
use crate::failure::Failure;
use crate::panel::Panel;
use crate::publish;

/// The demo's table in topics.
const TABLE: &str = "demo";

/// Runs the demo.
pub fn run(args: &DemoArgs) -> Result<(), Failure> {
    let signals = Signals::block();
    let port = embedded_broker::start_on_a_free_port()?;
    let mut config = Config::default();
    config.table.name = TABLE.into();
    config.camera.source = format!("sim:seed={}", args.seed);
    config.camera.width = 1280;
    config.camera.height = 720;
    config.broker.url = format!("mqtt://127.0.0.1:{port}");
    config.realtime.enabled = false;
    config.realtime.lock_memory = false;
    // A demo leaves nothing behind: its calibration lives as long as it.
    let folder = std::env::temp_dir().join(format!("baize-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| Failure::at(folder.display(), error))?;
    config.calibration.folder = folder.join("calibration");

    let options = publish::options("baize-demo-view", &config.broker).map_err(Failure::from_error)?;
    let duration = args.seconds.map(Duration::from_secs);
    let json = args.json;
    let viewer = std::thread::spawn(move || {
        let table = TABLE.parse().map_err(Failure::from_error)?;
        watch::watch(options, Some(table), json, duration)
    });
    let end = duration.map(|duration| Instant::now() + duration);
    let result = appliance::run(&config, Panel::open(&config.board), || {
        signals.wait(Duration::ZERO).is_some()
            || viewer.is_finished()
            || end.is_some_and(|end| Instant::now() >= end)
    });
    // Nothing in there is worth a failure at the end of a demo.
    let _ = std::fs::remove_dir_all(&folder);
    result
}
