//! The appliance: builds the static pipeline, seals it and runs it; and the commands around it.
//!
//! - [`pipeline`]: capture → detect → table → encode, four sealed threads joined by channels of one place.
//! - [`publish`]: MQTT on a thread of its own; `keeper`: the camera, opened again when it fails.
//! - [`appliance`]: puts these together and supervises them: calibration, health, watchdog, button, signals.
//! - [`commands`]: the command line; each command is a file.
//! - What can be configured stands in [`config`], every capacity in [`limits`].
//!
//! A library only so that tests and fuzz targets can reach its parts; its interface is the program `baize`.
#![forbid(unsafe_code)]

pub mod appliance;
pub mod calibration_file;
mod canvas;
pub mod commands;
pub mod config;
#[cfg(feature = "demo")]
mod embedded_broker;
pub mod failure;
mod find_table;
mod health;
mod keeper;
pub mod limits;
mod logging;
pub mod metrics;
pub mod observations;
mod panel;
pub mod pipeline;
pub mod publish;
pub mod recalibration;
mod recording;
mod sources;
pub mod state_json;
mod view;
