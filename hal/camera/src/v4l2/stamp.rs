//! What a driver's time stamp means, and the start of exposure that follows from it.

use std::fmt;

use v4l::v4l_sys::{
    V4L2_BUF_FLAG_TIMESTAMP_MASK, V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC, V4L2_BUF_FLAG_TSTAMP_SRC_MASK,
    V4L2_BUF_FLAG_TSTAMP_SRC_SOE,
};

/// The moment that a driver stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// The start of exposure.
    StartOfExposure,
    /// The end of the transfer.
    EndOfFrame,
    /// None that can be compared with ours: the moment at which we got the picture is taken.
    Unusable,
}

impl Stamp {
    pub(super) const fn of(flags: u32) -> Self {
        if flags & V4L2_BUF_FLAG_TIMESTAMP_MASK != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC {
            Self::Unusable
        } else if flags & V4L2_BUF_FLAG_TSTAMP_SRC_MASK == V4L2_BUF_FLAG_TSTAMP_SRC_SOE {
            Self::StartOfExposure
        } else {
            Self::EndOfFrame
        }
    }

    /// The start of exposure, never after `now_us`: some drivers compute their stamps, and are ahead of the clock.
    /// `exposure_us` is how long the sensor was exposed, if that is locked and so known.
    pub(super) fn start_of_exposure_us(self, stamp_us: u64, now_us: u64, exposure_us: Option<u32>) -> u64 {
        let exposed_us = u64::from(exposure_us.unwrap_or(0));
        match self {
            Self::StartOfExposure => stamp_us.min(now_us),
            Self::EndOfFrame => stamp_us.min(now_us).saturating_sub(exposed_us),
            Self::Unusable => now_us.saturating_sub(exposed_us),
        }
    }

    /// For people: what the times of the pictures are.
    pub(super) const fn meaning(self, exposure_us: Option<u32>) -> Meaning {
        Meaning {
            stamp: self,
            exposure_us,
        }
    }
}

pub(super) struct Meaning {
    stamp: Stamp,
    exposure_us: Option<u32>,
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let late = match self.stamp {
            Stamp::StartOfExposure => return f.write_str("stamped at the start of exposure"),
            Stamp::EndOfFrame => "stamped at the end of the transfer",
            Stamp::Unusable => "without a usable stamp: timed on arrival",
        };
        match self.exposure_us {
            Some(exposure_us) => write!(
                f,
                "{late}, less {exposure_us} us of exposure; late by the readout"
            ),
            None => write!(f, "{late}; late by exposure and readout, which are not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONOTONIC: u32 = 0x2000;
    const START_OF_EXPOSURE: u32 = 0x1_0000;

    #[test]
    fn a_stamp_of_the_start_of_exposure_is_taken_as_it_is() {
        let stamp = Stamp::of(MONOTONIC | START_OF_EXPOSURE);
        assert_eq!(
            stamp.start_of_exposure_us(1_000_000, 1_040_000, Some(8_000)),
            1_000_000
        );
    }

    #[test]
    fn from_a_stamp_of_the_end_the_known_exposure_is_taken_off() {
        let stamp = Stamp::of(MONOTONIC);
        assert_eq!(
            stamp.start_of_exposure_us(1_000_000, 1_040_000, Some(8_000)),
            992_000
        );
        assert_eq!(stamp.start_of_exposure_us(1_000_000, 1_040_000, None), 1_000_000);
        assert!(stamp.meaning(None).to_string().contains("not known"));
    }

    #[test]
    fn a_stamp_ahead_of_the_clock_is_brought_back_to_now() {
        for flags in [MONOTONIC, MONOTONIC | START_OF_EXPOSURE] {
            assert_eq!(
                Stamp::of(flags).start_of_exposure_us(1_050_000, 1_040_000, None),
                1_040_000
            );
        }
    }

    #[test]
    fn a_stamp_of_another_clock_is_replaced_by_the_moment_of_arrival() {
        let stamp = Stamp::of(0x4000 | START_OF_EXPOSURE);
        assert_eq!(stamp.start_of_exposure_us(77, 1_040_000, None), 1_040_000);
    }
}
