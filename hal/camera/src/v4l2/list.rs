//! Which cameras there are, found by what they can do: a camera has several nodes, and their numbers change.

use std::path::{Path, PathBuf};

use v4l::v4l_sys::{
    V4L2_CAP_DEVICE_CAPS, V4L2_CAP_STREAMING, V4L2_CAP_VIDEO_CAPTURE, V4L2_CAP_VIDEO_CAPTURE_MPLANE,
    v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE, v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE,
};

use super::device::{Device, kernel_text, v4l2_capability, v4l2_fract, v4l2_frmsizeenum};
use super::encoding::FourCc;
use super::negotiate::{FormatOffer, SizeOffer};

/// Formats, sizes and rates of a driver that are looked at; a driver that never ends its list is no reason to hang.
const LONGEST_LIST: u32 = 256;

/// Rates that are listed when a driver offers a range of them.
const USUAL_RATES_HZ: [f32; 9] = [120.0, 60.0, 50.0, 30.0, 25.0, 20.0, 15.0, 10.0, 5.0];

/// Folders of names that stay the same when the camera is plugged in again; the first name found is taken.
pub(super) const STABLE_FOLDERS: [&str; 2] = ["/dev/v4l/by-id", "/dev/v4l/by-path"];

/// A video node that can capture.
#[derive(Debug, Clone)]
pub struct CameraInfo {
    /// The node, `/dev/videoN`.
    pub node: PathBuf,
    /// A name that stays the same when the camera is plugged in again, where the system makes one.
    pub stable: Option<PathBuf>,
    /// The camera's name.
    pub card: String,
    /// The driver's name.
    pub driver: String,
    /// Where it is connected.
    pub bus: String,
    /// What it offers.
    pub offers: Vec<FormatOffer>,
}

/// All nodes that capture single-planar pictures and can be opened, in the order of their numbers.
pub fn list_cameras() -> Vec<CameraInfo> {
    video_nodes()
        .iter()
        .filter_map(|node| describe(node).ok())
        .collect()
}

/// All video nodes, in the order of their numbers.
fn video_nodes() -> Vec<PathBuf> {
    let mut nodes: Vec<(u32, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir("/dev").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix("video")?.parse().ok());
        nodes.extend(number.map(|number| (number, entry.path())));
    }
    nodes.sort_unstable();
    nodes.into_iter().map(|(_, node)| node).collect()
}

/// Why a node is no camera.
pub(super) enum NoCamera {
    Unopened(std::io::Error),
    NotVideo,
    NotCapture(String),
    MultiPlanar(String),
}

pub(super) fn describe(node: &Path) -> Result<CameraInfo, NoCamera> {
    let device = Device::open(node).map_err(NoCamera::Unopened)?;
    let capability = device.capabilities().map_err(|_| NoCamera::NotVideo)?;
    check(&capability)?;
    Ok(CameraInfo {
        node: node.to_path_buf(),
        stable: stable_name(node),
        card: kernel_text(&capability.card),
        driver: kernel_text(&capability.driver),
        bus: kernel_text(&capability.bus_info),
        offers: offers(&device),
    })
}

fn check(capability: &v4l2_capability) -> Result<(), NoCamera> {
    // `capabilities` are those of the whole device, `device_caps` those of this node.
    let of_the_node = capability.capabilities & V4L2_CAP_DEVICE_CAPS != 0;
    let can = if of_the_node {
        capability.device_caps
    } else {
        capability.capabilities
    };
    let card = kernel_text(&capability.card);
    if can & V4L2_CAP_VIDEO_CAPTURE == 0 && can & V4L2_CAP_VIDEO_CAPTURE_MPLANE != 0 {
        return Err(NoCamera::MultiPlanar(card));
    }
    let needed = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    if can & needed == needed {
        Ok(())
    } else {
        Err(NoCamera::NotCapture(card))
    }
}

/// The name in one of the stable folders that leads to this node.
fn stable_name(node: &Path) -> Option<PathBuf> {
    let node = node.canonicalize().ok()?;
    for folder in STABLE_FOLDERS {
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut leading_here: Vec<_> = names.map(|entry| entry.path()).collect();
        leading_here.retain(|path| path.canonicalize().is_ok_and(|target| target == node));
        leading_here.sort_unstable();
        if let Some(first) = leading_here.into_iter().next() {
            return Some(first);
        }
    }
    None
}

fn offers(device: &Device) -> Vec<FormatOffer> {
    let formats = (0..LONGEST_LIST).map_while(|index| device.pixel_format(index));
    formats
        .map(|four_cc| FormatOffer {
            four_cc,
            sizes: sizes(device, four_cc),
        })
        .collect()
}

fn sizes(device: &Device, four_cc: FourCc) -> Vec<SizeOffer> {
    let entries = (0..LONGEST_LIST).map_while(|index| device.frame_size(four_cc, index));
    let known: Vec<SizeOffer> = entries.map(|entry| size(device, four_cc, &entry)).collect();
    if known.is_empty() {
        // The driver does not tell; it corrects what it is asked for.
        return vec![SizeOffer {
            smallest: (2, 2),
            largest: (8192, 8192),
            rates_hz: vec![],
        }];
    }
    known
}

fn size(device: &Device, four_cc: FourCc, entry: &v4l2_frmsizeenum) -> SizeOffer {
    let (smallest, largest) = if entry.type_ == v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
        // SAFETY: the entry's type says which member of the union the driver filled in.
        let only = unsafe { entry.__bindgen_anon_1.discrete };
        ((only.width, only.height), (only.width, only.height))
    } else {
        // SAFETY: as above; stepwise and continuous share this member.
        let range = unsafe { entry.__bindgen_anon_1.stepwise };
        (
            (range.min_width, range.min_height),
            (range.max_width, range.max_height),
        )
    };
    SizeOffer {
        smallest,
        largest,
        rates_hz: rates_hz(device, four_cc, largest),
    }
}

/// Highest first. Of a range its ends are given, and the usual rates between them.
fn rates_hz(device: &Device, four_cc: FourCc, (width, height): (u32, u32)) -> Vec<f32> {
    let mut rates_hz = Vec::new();
    for entry in (0..LONGEST_LIST).map_while(|index| device.frame_interval(four_cc, width, height, index)) {
        if entry.type_ == v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE {
            // SAFETY: the entry's type says which member of the union the driver filled in.
            rates_hz.extend(rate_hz(unsafe { entry.__bindgen_anon_1.discrete }));
        } else {
            // SAFETY: as above; stepwise and continuous share this member.
            let range = unsafe { entry.__bindgen_anon_1.stepwise };
            let ends = [rate_hz(range.min), rate_hz(range.max)];
            if let [Some(highest), Some(lowest)] = ends {
                let between = USUAL_RATES_HZ
                    .into_iter()
                    .filter(|rate| (lowest..highest).contains(rate));
                rates_hz.extend(between.chain([highest, lowest]));
            }
        }
    }
    rates_hz.sort_unstable_by(|a, b| b.total_cmp(a));
    rates_hz.dedup();
    rates_hz
}

fn rate_hz(interval: v4l2_fract) -> Option<f32> {
    (interval.numerator > 0).then(|| interval.denominator as f32 / interval.numerator as f32)
}
