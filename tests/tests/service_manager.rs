//! What the service manager hears of the appliance: that it is ready, and that it is alive as long as every thread of the
//! pipeline does its work.

use std::time::Duration;

use baize_skips::skipped;
use baize_tests::{Appliance, ServiceManager, wait};
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

const WATCHDOG: Duration = Duration::from_secs(1);
const SOURCE: &str = "sim:size=320x192,fps=20";

/// The threads whose turns feed the watchdog.
const STAGES: [&str; 4] = ["baize-capture", "baize-detect", "baize-table", "baize-encode"];

#[test]
fn it_is_ready_then_alive_again_and_again_and_says_when_it_stops() {
    let manager = ServiceManager::new();
    let appliance = Appliance::start_under(&manager, WATCHDOG, SOURCE);
    manager.wait_for_feeds(6);
    assert_eq!(manager.heard()[0], "READY=1");
    appliance.program.signal("TERM");
    assert!(appliance.program.finish().status.success());
    assert_eq!(manager.heard().last().map(String::as_str), Some("STOPPING=1"));
}

#[test]
fn a_camera_that_is_not_there_stops_no_feeding() {
    let manager = ServiceManager::new();
    let appliance = Appliance::start_under(&manager, WATCHDOG, "v4l2:/dev/video-of-no-machine");
    wait::until("another attempt to open it", || {
        let said = appliance.program.err();
        said.iter().any(|line| line.contains("no camera: ")).then_some(())
    });
    manager.wait_for_feeds(8);
}

#[test]
fn a_camera_that_is_lost_while_it_runs_stops_no_feeding() {
    let manager = ServiceManager::new();
    let appliance = Appliance::start_under(&manager, WATCHDOG, "sim:size=320x192,fps=20,unplug=2+600");
    wait::until("the camera to be lost", || {
        let said = appliance.program.err();
        said.iter().any(|line| line.contains("camera lost")).then_some(())
    });
    manager.wait_for_feeds(8);
}

#[test]
fn a_camera_that_falls_silent_stops_no_feeding() {
    let manager = ServiceManager::new();
    let appliance = Appliance::start_under(&manager, WATCHDOG, "sim:size=320x192,fps=20,silent=2");
    wait::until("the silence to be noticed", || {
        let said = appliance.program.err();
        said.iter().any(|line| line.contains("silent")).then_some(())
    });
    // Recovering: opened again, waited for, and given up again.
    manager.wait_for_feeds(12);
}

#[test]
fn a_camera_of_a_picture_in_ten_seconds_stops_no_feeding() {
    let manager = ServiceManager::new();
    let _appliance = Appliance::start_under(&manager, WATCHDOG, "sim:size=320x192,fps=0.1");
    manager.wait_for_feeds(12);
}

#[test]
fn a_thread_that_is_stuck_stops_the_feeding_until_it_goes_on() {
    let manager = ServiceManager::new();
    let appliance = Appliance::start_under(&manager, WATCHDOG, SOURCE);
    for stage in STAGES {
        manager.wait_for_feeds(2);
        let thread = Pid::from_raw(appliance.program.thread_id(stage));
        match ptrace::seize(thread, ptrace::Options::empty()) {
            Err(Errno::EPERM) => return skipped("the right to trace"),
            seized => seized.expect("a thread of our child can be traced"),
        }
        ptrace::interrupt(thread).expect("it is seized");
        waitpid(thread, Some(WaitPidFlag::__WALL)).expect("it stops");

        // Turns made before may be told yet, once.
        std::thread::sleep(WATCHDOG);
        let before = manager.feeds();
        std::thread::sleep(3 * WATCHDOG);
        let meanwhile = manager.feeds() - before;
        // Before anything can fail: a traced process that is killed waits for its tracer.
        ptrace::detach(thread, None).expect("it is stopped");
        assert_eq!(meanwhile, 0, "{stage} was stuck, its work waited");
        manager.wait_for_feeds(1);
    }
}
