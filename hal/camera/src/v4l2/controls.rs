//! Locking what would otherwise change by itself: exposure, gain, white balance, focus, mains filter.

use v4l::v4l_sys as kernel;

use super::device::Device;
use crate::config::ControlWishes;

/// A camera's unit of exposure, in microseconds.
const EXPOSURE_UNIT_US: u32 = 100;

const BOOLEAN: u32 = kernel::v4l2_ctrl_type_V4L2_CTRL_TYPE_BOOLEAN;

/// One control and the value it shall have.
struct Setting {
    name: &'static str,
    id: u32,
    value: i64,
}

const fn setting(name: &'static str, id: u32, value: i64) -> Setting {
    Setting { name, id, value }
}

/// Sets what is wished. What cannot be set is left as it is and described in the returned lines.
pub(super) fn lock(device: &Device, wishes: &ControlWishes) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(exposure_us) = wishes.exposure_us {
        let manual = i64::from(kernel::v4l2_exposure_auto_type_V4L2_EXPOSURE_MANUAL);
        switch_off(
            device,
            &setting("automatic exposure", kernel::V4L2_CID_EXPOSURE_AUTO, manual),
            &mut warnings,
        );
        let units = i64::from((exposure_us / EXPOSURE_UNIT_US).max(1));
        let name = "exposure in units of 100 us";
        set(
            device,
            &setting(name, kernel::V4L2_CID_EXPOSURE_ABSOLUTE, units),
            &mut warnings,
        );
    }
    if let Some(gain) = wishes.gain {
        switch_off(
            device,
            &setting("automatic gain", kernel::V4L2_CID_AUTOGAIN, 0),
            &mut warnings,
        );
        set(
            device,
            &setting("gain", kernel::V4L2_CID_GAIN, gain.into()),
            &mut warnings,
        );
    }
    if let Some(kelvin) = wishes.white_balance_k {
        let automatic = setting("automatic white balance", kernel::V4L2_CID_AUTO_WHITE_BALANCE, 0);
        switch_off(device, &automatic, &mut warnings);
        let name = "white balance in kelvin";
        set(
            device,
            &setting(name, kernel::V4L2_CID_WHITE_BALANCE_TEMPERATURE, kelvin.into()),
            &mut warnings,
        );
    }
    if let Some(focus) = wishes.focus {
        switch_off(
            device,
            &setting("autofocus", kernel::V4L2_CID_FOCUS_AUTO, 0),
            &mut warnings,
        );
        set(
            device,
            &setting("focus", kernel::V4L2_CID_FOCUS_ABSOLUTE, focus.into()),
            &mut warnings,
        );
    }
    if let Some(mains_hz) = wishes.power_line_hz {
        let entry = match mains_hz {
            0 => Some(kernel::v4l2_power_line_frequency_V4L2_CID_POWER_LINE_FREQUENCY_DISABLED),
            50 => Some(kernel::v4l2_power_line_frequency_V4L2_CID_POWER_LINE_FREQUENCY_50HZ),
            60 => Some(kernel::v4l2_power_line_frequency_V4L2_CID_POWER_LINE_FREQUENCY_60HZ),
            _ => None,
        };
        match entry {
            Some(entry) => {
                let name = "mains filter (0 off, 1 for 50 Hz, 2 for 60 Hz)";
                set(
                    device,
                    &setting(name, kernel::V4L2_CID_POWER_LINE_FREQUENCY, entry.into()),
                    &mut warnings,
                );
            }
            None => warnings.push(format!("mains filter: {mains_hz} Hz is not one of 0, 50, 60")),
        }
    }
    warnings
}

/// The exposure time, if the camera tells it and does not change it by itself.
pub(super) fn locked_exposure_us(device: &Device) -> Option<u32> {
    let manual = [
        kernel::v4l2_exposure_auto_type_V4L2_EXPOSURE_MANUAL,
        kernel::v4l2_exposure_auto_type_V4L2_EXPOSURE_SHUTTER_PRIORITY,
    ];
    let mode = device.control(kernel::V4L2_CID_EXPOSURE_AUTO).ok()?;
    let units = device.control(kernel::V4L2_CID_EXPOSURE_ABSOLUTE).ok()?;
    let is_locked = manual.contains(&u32::try_from(mode).ok()?);
    is_locked.then_some(u32::try_from(units).ok()?.saturating_mul(EXPOSURE_UNIT_US))
}

/// Sets an automatism to off, where there is one.
fn switch_off(device: &Device, wanted: &Setting, warnings: &mut Vec<String>) {
    if device.query_control(wanted.id).is_ok() {
        set(device, wanted, warnings);
    }
}

fn set(device: &Device, wanted: &Setting, warnings: &mut Vec<String>) {
    let Setting { name, id, value } = *wanted;
    let Ok(control) = device.query_control(id) else {
        warnings.push(format!(
            "{name}: this camera has no such control; remove it from the configuration"
        ));
        return;
    };
    let range = if control.type_ == BOOLEAN {
        (0, 1)
    } else {
        (control.minimum, control.maximum)
    };
    if !(range.0..=range.1).contains(&value) {
        let (lowest, highest, step) = (range.0, range.1, control.step.max(1));
        warnings.push(format!(
            "{name}: {value} is outside {lowest}..{highest} (in steps of {step}); left as it is"
        ));
        return;
    }
    // A control with a range of 64 bits cannot be set through this request; no camera has one of these.
    let outcome = i32::try_from(value)
        .map_err(std::io::Error::other)
        .and_then(|value| device.set_control(id, value));
    if let Err(error) = outcome {
        let (lowest, highest) = range;
        warnings.push(format!(
            "{name}: the camera refused {value} of {lowest}..{highest}: {error}"
        ));
    }
}
