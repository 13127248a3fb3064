use baize_frame::FrameFormat;

/// Of a larger square, only every second, third … pixel is read: more of them would tell no more, and what a frame may
/// take stays bounded.
pub(crate) const MOST_PIXELS: f32 = 160.0;

/// The square of a picture round a ball that its crop shows, in pixels; its edges may lie beyond the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C)]
pub struct Square {
    /// Its left edge.
    pub x: f32,
    /// Its upper edge.
    pub y: f32,
    /// Its side.
    pub length: f32,
    /// Only every so many-th pixel is read.
    pub step: u32,
}

impl Square {
    /// The square round a ball's box. `None` where that is no box: larger than the picture, far beside it, or no number.
    pub fn round(centre_px: [f32; 2], size_px: [f32; 2], margin: f32, format: &FrameFormat) -> Option<Self> {
        let length = margin * size_px[0].max(size_px[1]);
        let [x, y] = centre_px.map(|centre| centre - length / 2.0);
        let most = 2.0 * format.width.max(format.height) as f32;
        (length > 0.0 && length <= most && x.abs() <= most && y.abs() <= most).then_some(Self {
            x,
            y,
            length,
            step: (length / MOST_PIXELS).ceil().max(1.0) as u32,
        })
    }
}
