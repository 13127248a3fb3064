//! The appliance: builds the static pipeline, seals it and runs it; and the commands around it.
//!
//! - [`pipeline`]: capture → detect → table → encode, four sealed threads joined by channels of one place.
//! - [`publish`]: MQTT on a thread of its own; `keeper`: the camera, opened again when it fails; `detectors`: the one that
//!   serves, and its change, `engine`: the one on a GPU.
//! - [`appliance`]: puts these together and supervises them: health, watchdog, button, signals.
//! - `calibrator`: the calibration in use; [`recalibration`] makes a new one, `camera_watch` doubts it,
//!   [`calibration_store`] keeps it.
//! - [`commands`]: the command line; each command is a file.
//! - What can be configured stands in [`config`], every capacity in [`limits`].
//!
//! A library only so that tests and fuzz targets can reach its parts; its interface is the program `baize`.
#![forbid(unsafe_code)]

pub mod appliance;
mod background;
mod bounded;
pub mod calibration_file;
pub mod calibration_store;
mod calibrator;
mod camera_watch;
mod canvas;
pub mod commands;
pub mod config;
mod detectors;
pub mod doctor;
mod durable;
#[cfg(feature = "demo")]
mod embedded_broker;
mod engine;
pub mod failure;
mod find_table;
mod gpu_watch;
mod health;
mod keeper;
mod lens_file;
pub mod limits;
mod logging;
pub mod metrics;
pub mod observations;
pub mod panel;
pub mod pipeline;
pub mod publish;
pub mod recalibration;
mod recording;
mod restarts;
mod sources;
pub mod state_json;
mod view;
