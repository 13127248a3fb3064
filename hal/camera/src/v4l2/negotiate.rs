//! Which of the offered formats to take: a pure choice, made before the device is touched.

use std::fmt;

use super::encoding::{Encoding, FourCc, Unusable};
use crate::config::{CameraConfig, PixelWish};
use crate::limits::{MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH};

/// The size wished where the configuration names none: enough pixels on a ball of an eight-foot table, and what cameras
/// offer without compression over USB 3.
const USUAL_SIZE: (u32, u32) = (1920, 1080);

/// The rate below which a size counts as too slow, where the configuration names none, in Hz.
const USUAL_RATE_HZ: f32 = 30.0;

/// The highest rate taken unasked, in Hz. Above it a ball moves less between pictures than detection can use.
const HIGHEST_UNASKED_RATE_HZ: f32 = 60.0;

/// A pixel format that a camera offers, and its sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct FormatOffer {
    /// Its four characters.
    pub four_cc: FourCc,
    /// Its sizes.
    pub sizes: Vec<SizeOffer>,
}

/// A size, or a range of sizes, that a camera offers.
#[derive(Debug, Clone, PartialEq)]
pub struct SizeOffer {
    /// Smallest width and height in pixels.
    pub smallest: (u32, u32),
    /// Largest width and height in pixels; the same as `smallest` for a single size.
    pub largest: (u32, u32),
    /// Rates in Hz at the largest size, highest first. Empty: the camera does not tell.
    pub rates_hz: Vec<f32>,
}

impl SizeOffer {
    /// The size within the range that is nearest to the one wished.
    fn nearest(&self, (width, height): (u32, u32)) -> (u32, u32) {
        let clamp = |wish: u32, from: u32, to: u32| wish.max(from).min(to.max(from)) & !1;
        (
            clamp(width, self.smallest.0, self.largest.0),
            clamp(height, self.smallest.1, self.largest.1),
        )
    }
}

impl fmt::Display for FormatOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.four_cc)?;
        for size in &self.sizes {
            write!(f, " {}x{}", size.smallest.0, size.smallest.1)?;
            if size.largest != size.smallest {
                write!(f, "..{}x{}", size.largest.0, size.largest.1)?;
            }
            if let Some(highest) = size.rates_hz.first() {
                write!(f, "@{highest:.0}")?;
            }
        }
        match Encoding::try_from(self.four_cc) {
            Ok(_) => Ok(()),
            Err(reason) => write!(f, " ({reason})"),
        }
    }
}

/// The format to ask the driver for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choice {
    pub(super) encoding: Encoding,
    pub(super) four_cc: FourCc,
    pub(super) width: u32,
    pub(super) height: u32,
    /// `None`: leave the camera's own rate.
    pub(super) rate_hz: Option<f32>,
}

/// Takes the offer nearest to the wishes: first the size, then a sufficient rate, then the cheapest encoding. `None`:
/// nothing offered is of use.
pub(super) fn choose(offers: &[FormatOffer], config: &CameraConfig) -> Option<Choice> {
    let (width, height) = config.size.unwrap_or(USUAL_SIZE);
    let wished_size = (width.min(MAX_FRAME_WIDTH), height.min(MAX_FRAME_HEIGHT));
    let mut best: Option<(Rank, Choice)> = None;
    for offer in offers {
        let Ok(encoding) = Encoding::try_from(offer.four_cc) else {
            continue;
        };
        if !wished(config.pixels, encoding) {
            continue;
        }
        for size in &offer.sizes {
            let (width, height) = size.nearest(wished_size);
            if !fits_a_slot(width, height) {
                continue;
            }
            let rate_hz = choose_rate(&size.rates_hz, config.rate_hz);
            let choice = Choice {
                encoding,
                four_cc: offer.four_cc,
                width,
                height,
                rate_hz,
            };
            let rank = Rank::of(&choice, wished_size, config.rate_hz.unwrap_or(USUAL_RATE_HZ));
            if best.as_ref().is_none_or(|(other, _)| rank < *other) {
                best = Some((rank, choice));
            }
        }
    }
    best.map(|(_, choice)| choice)
}

/// Whether there is room for such a picture on its whole way, in whatever pixels.
pub(super) const fn fits_a_slot(width: u32, height: u32) -> bool {
    width <= MAX_FRAME_WIDTH && height <= MAX_FRAME_HEIGHT
}

/// Lower is better, the first difference decides.
#[derive(Debug, PartialEq, PartialOrd)]
struct Rank {
    size_distance: u64,
    rate_shortfall_hz: f32,
    cost: u8,
}

impl Rank {
    fn of(choice: &Choice, (width, height): (u32, u32), wished_rate_hz: f32) -> Self {
        let size_distance =
            u64::from(choice.width.abs_diff(width)) + u64::from(choice.height.abs_diff(height));
        // A rate that is nearly as wished (29.97 for 30) is as good.
        let shortfall = choice
            .rate_hz
            .map_or(0.0, |rate_hz| (wished_rate_hz * 0.9 - rate_hz).max(0.0));
        let cost = match choice.encoding {
            Encoding::Yuyv => 0,
            Encoding::Nv12 => 1,
            Encoding::Mjpeg => 2,
            Encoding::Grey => 3,
        };
        Self {
            size_distance,
            rate_shortfall_hz: shortfall,
            cost,
        }
    }
}

const fn wished(wish: PixelWish, encoding: Encoding) -> bool {
    match wish {
        PixelWish::Auto => true,
        PixelWish::Yuyv => matches!(encoding, Encoding::Yuyv),
        PixelWish::Nv12 => matches!(encoding, Encoding::Nv12),
        PixelWish::Grey => matches!(encoding, Encoding::Grey),
        PixelWish::Mjpeg => matches!(encoding, Encoding::Mjpeg),
    }
}

fn choose_rate(offered_hz: &[f32], wished_hz: Option<f32>) -> Option<f32> {
    let Some(wished_hz) = wished_hz else {
        let moderate = offered_hz
            .iter()
            .copied()
            .find(|rate_hz| *rate_hz <= HIGHEST_UNASKED_RATE_HZ + 0.5);
        return moderate.or(offered_hz.last().copied());
    };
    let nearest = offered_hz
        .iter()
        .copied()
        .min_by(|a, b| (a - wished_hz).abs().total_cmp(&(b - wished_hz).abs()));
    nearest.or(Some(wished_hz))
}

/// Why nothing of the offers can be used, in words for people.
pub(super) fn explain_refusal(offers: &[FormatOffer], wish: PixelWish) -> String {
    if offers.is_empty() {
        return "it offers no pixel format at all".into();
    }
    let all_raw = offers
        .iter()
        .all(|offer| matches!(Encoding::try_from(offer.four_cc), Err(Unusable::RawBayer { .. })));
    let reason = if all_raw {
        "it sends raw Bayer only".to_owned()
    } else if wish == PixelWish::Auto {
        "it offers none of YUYV, NV12, MJPG, GREY in a size up to 3840x2160".to_owned()
    } else {
        format!("it does not offer {wish:?} in a size up to 3840x2160")
    };
    let listing: Vec<String> = offers.iter().map(|offer| format!("\n  {offer}")).collect();
    format!("{reason}. It offers:{}", listing.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(four_cc: &[u8; 4], sizes: &[(u32, u32, &[f32])]) -> FormatOffer {
        let size = |(width, height, rates_hz): &(u32, u32, &[f32])| SizeOffer {
            smallest: (*width, *height),
            largest: (*width, *height),
            rates_hz: rates_hz.to_vec(),
        };
        FormatOffer {
            four_cc: FourCc(*four_cc),
            sizes: sizes.iter().map(size).collect(),
        }
    }

    /// A usual USB 2 camera.
    fn usb_camera() -> Vec<FormatOffer> {
        vec![
            offer(
                b"YUYV",
                &[(640, 480, &[30.0]), (1280, 720, &[10.0]), (1920, 1080, &[5.0])],
            ),
            offer(
                b"MJPG",
                &[(1280, 720, &[60.0, 30.0]), (1920, 1080, &[30.0, 15.0])],
            ),
        ]
    }

    fn chosen(offers: &[FormatOffer], config: &CameraConfig) -> (Encoding, u32, u32, Option<f32>) {
        let choice = choose(offers, config).expect("a choice");
        (choice.encoding, choice.width, choice.height, choice.rate_hz)
    }

    #[test]
    fn full_hd_is_taken_unasked_and_as_mjpeg_where_yuyv_is_too_slow() {
        let chosen = chosen(&usb_camera(), &CameraConfig::default());
        assert_eq!(chosen, (Encoding::Mjpeg, 1920, 1080, Some(30.0)));
    }

    #[test]
    fn yuyv_is_preferred_where_it_is_fast_enough() {
        let config = CameraConfig {
            size: Some((640, 480)),
            ..CameraConfig::default()
        };
        assert_eq!(
            chosen(&usb_camera(), &config),
            (Encoding::Yuyv, 640, 480, Some(30.0))
        );
        let slow = CameraConfig {
            rate_hz: Some(5.0),
            ..CameraConfig::default()
        };
        assert_eq!(
            chosen(&usb_camera(), &slow),
            (Encoding::Yuyv, 1920, 1080, Some(5.0))
        );
    }

    #[test]
    fn the_format_wished_is_taken_though_another_is_faster() {
        let config = CameraConfig {
            pixels: PixelWish::Yuyv,
            ..CameraConfig::default()
        };
        assert_eq!(
            chosen(&usb_camera(), &config),
            (Encoding::Yuyv, 1920, 1080, Some(5.0))
        );
    }

    #[test]
    fn more_than_sixty_pictures_a_second_are_taken_only_when_asked_for() {
        let fast = [offer(b"NV12", &[(1920, 1080, &[120.0, 60.0, 30.0])])];
        assert_eq!(chosen(&fast, &CameraConfig::default()).3, Some(60.0));
        let config = CameraConfig {
            rate_hz: Some(120.0),
            ..CameraConfig::default()
        };
        assert_eq!(chosen(&fast, &config).3, Some(120.0));
    }

    #[test]
    fn a_size_out_of_a_range_is_taken_as_wished() {
        let range = SizeOffer {
            smallest: (48, 48),
            largest: (4096, 4096),
            rates_hz: vec![],
        };
        let offers = [FormatOffer {
            four_cc: FourCc(*b"GREY"),
            sizes: vec![range],
        }];
        assert_eq!(
            chosen(&offers, &CameraConfig::default()),
            (Encoding::Grey, 1920, 1080, None)
        );
    }

    #[test]
    fn what_is_too_large_for_a_slot_is_passed_over() {
        let offers = [offer(b"MJPG", &[(7680, 4320, &[30.0]), (640, 480, &[30.0])])];
        assert_eq!(
            chosen(&offers, &CameraConfig::default()),
            (Encoding::Mjpeg, 640, 480, Some(30.0))
        );
    }

    #[test]
    fn what_is_wider_or_higher_than_4k_is_passed_over_though_its_bytes_would_fit() {
        for too_large in [(4096, 2160), (3840, 2400), (4096, 1080)] {
            let (width, height) = too_large;
            let offers = [offer(b"YUYV", &[(width, height, &[30.0]), (1280, 720, &[30.0])])];
            let config = CameraConfig {
                size: Some(too_large),
                ..CameraConfig::default()
            };
            assert_eq!(chosen(&offers, &config), (Encoding::Yuyv, 1280, 720, Some(30.0)));
        }
    }

    #[test]
    fn of_a_range_that_goes_beyond_4k_4k_is_taken_where_more_is_wished() {
        let range = SizeOffer {
            smallest: (48, 48),
            largest: (8192, 8192),
            rates_hz: vec![],
        };
        let offers = [FormatOffer {
            four_cc: FourCc(*b"NV12"),
            sizes: vec![range],
        }];
        let config = CameraConfig {
            size: Some((7680, 4320)),
            ..CameraConfig::default()
        };
        assert_eq!(chosen(&offers, &config), (Encoding::Nv12, 3840, 2160, None));
    }

    #[test]
    fn raw_bayer_alone_is_refused_and_the_refusal_says_why_and_what_is_offered() {
        let offers = [offer(b"RG10", &[(1920, 1080, &[60.0])])];
        assert!(choose(&offers, &CameraConfig::default()).is_none());
        let words = explain_refusal(&offers, PixelWish::Auto);
        assert!(
            words.contains("raw Bayer only") && words.contains("RG10 1920x1080@60"),
            "{words}"
        );
        assert!(words.contains("image processor"), "{words}");
    }
}
