//! Scenes at random: every table, cloth, lamp and camera that a picture may come from.

use crate::balls::{BallSet, BallStyle};
use crate::camera::CameraPose;
use crate::colour::{Rgb, from_picture};
use crate::layout::Layout;
use crate::random::Random;
use crate::render::Lighting;
use crate::scene::{Corners, Diamonds, Lamp, Lights, Looks, Play, Scene, Sensor};
use crate::table::TableSize;

impl Scene {
    /// A still scene in which everything is left to chance.
    pub fn random(seed: u64) -> Self {
        let mut random = Random::new(seed, 41);
        let r = &mut random;
        let ball_set = match r.unit() {
            u if u < 0.55 => BallSet::American,
            u if u < 0.72 => BallSet::Pub,
            u if u < 0.90 => BallSet::Snooker,
            _ => BallSet::Carom,
        };
        let table = table(ball_set, r);
        let looks = looks(ball_set, r);
        let lights = lights(&table, r);
        let person = r.chance(0.45);
        Self {
            seed,
            table,
            ball_set,
            ball_style: ball_style(r),
            layout: layout(ball_set, r),
            play: Play::Still,
            person,
            loose_cue: r.chance(0.12),
            looks,
            camera: camera(&table, ball_set, r),
            sensor: sensor(&lights, &table, r),
            lights,
        }
    }
}

fn table(set: BallSet, r: &mut Random) -> TableSize {
    let mut table = match set {
        BallSet::American => r.pick(&[TableSize::SEVEN_FOOT, TableSize::EIGHT_FOOT, TableSize::NINE_FOOT]),
        BallSet::Pub => TableSize::PUB,
        BallSet::Snooker => r.pick(&[TableSize::SNOOKER, TableSize::SNOOKER, TableSize::PUB]),
        BallSet::Carom => TableSize::CAROM,
    };
    table.rail_width_mm *= r.range(0.8, 1.25);
    table.cushion_depth_mm *= r.range(0.85, 1.15);
    table
}

fn ball_style(r: &mut Random) -> BallStyle {
    let white = r.range(0.86, 1.0);
    let yellowed = r.range(0.80, 1.0);
    BallStyle {
        white: from_picture(
            (250.0 * white) as u8,
            (246.0 * white) as u8,
            (244.0 * white * yellowed) as u8,
        ),
        dotted_cue_ball: r.chance(0.25),
        television_colours: r.chance(0.25),
        blue_pub_balls: r.chance(0.25),
        disc_radius: r.range(0.33, 0.46) as f32,
        stripe_half_width: r.range(0.45, 0.64) as f32,
    }
}

fn layout(set: BallSet, r: &mut Random) -> Layout {
    match r.unit() {
        u if u < 0.04 => Layout::Empty,
        u if u < 0.14 => Layout::Rack,
        _ => {
            let most = if set == BallSet::Snooker { 23 } else { 17 };
            Layout::Scattered(r.index(most) as u8 + 1)
        }
    }
}

/// A colour near this one.
fn near((red, green, blue): (u8, u8, u8), spread: f64, r: &mut Random) -> Rgb {
    let bright = r.range(1.0 - spread, 1.0 + spread);
    let mut vary =
        |v: u8| (f64::from(v) * bright + 90.0 * spread * r.range(-0.5, 0.5)).clamp(4.0, 250.0) as u8;
    from_picture(vary(red), vary(green), vary(blue))
}

fn looks(set: BallSet, r: &mut Random) -> Looks {
    let cloths = [
        (20, 110, 60),
        (34, 138, 112),
        (20, 168, 148),
        (60, 130, 200),
        (40, 80, 170),
        (92, 104, 190),
        (150, 32, 48),
        (110, 24, 40),
        (130, 134, 138),
        (84, 88, 92),
        (40, 42, 46),
        (24, 130, 30),
        (110, 60, 130),
        (196, 150, 90),
    ];
    let rails = [
        (92, 48, 30),
        (70, 28, 22),
        (130, 84, 48),
        (176, 136, 92),
        (30, 28, 28),
        (206, 190, 164),
        (110, 110, 112),
        (58, 40, 32),
    ];
    let floors = [
        (168, 158, 144),
        (70, 66, 64),
        (30, 30, 32),
        (190, 176, 150),
        (110, 70, 50),
        (60, 66, 90),
        (200, 200, 200),
    ];
    let castings = [(150, 152, 156), (40, 40, 42), (196, 196, 198), (160, 130, 80)];
    let snooker = set == BallSet::Snooker;
    let cloth = if snooker && r.chance(0.7) {
        (24, 124, 40)
    } else {
        r.pick(&cloths)
    };
    let linings = [
        (38, 34, 32),
        (26, 26, 28),
        (120, 100, 84),
        (180, 176, 168),
        (84, 52, 34),
    ];
    Looks {
        cloth: near(cloth, 0.25, r),
        cloth_texture: r.range(0.1, 1.0) as f32,
        rail: near(r.pick(&rails), 0.25, r),
        grain: r.range(0.0, 1.0) as f32,
        gloss: r.range(0.0, 0.9) as f32,
        corners: if r.chance(0.5) {
            Corners::Castings(near(r.pick(&castings), 0.2, r))
        } else {
            Corners::Wood
        },
        pocket_ring: near(r.pick(&[(34, 33, 34), (60, 50, 44), (120, 118, 116)]), 0.3, r),
        pocket_lining: near(r.pick(&linings), 0.3, r),
        diamonds: if snooker && r.chance(0.8) {
            Diamonds::None
        } else {
            r.pick(&[
                Diamonds::Round,
                Diamonds::Rhombic,
                Diamonds::Round,
                Diamonds::None,
            ])
        },
        floor: near(r.pick(&floors), 0.3, r),
        floor_board_mm: if r.chance(0.6) { r.range(90.0, 400.0) } else { 0.0 },
        spot_stickers: r.chance(0.4),
        baulk_line: snooker || r.chance(0.15),
        chalks: r.index(4) as u8,
    }
}

fn lights(table: &TableSize, r: &mut Random) -> Lights {
    let ambient = r.range(0.15, 0.75);
    let count = 1 + r.index(3);
    let height = r.range(850.0, 2600.0);
    let half_size_mm = [r.range(60.0, 500.0), r.range(60.0, 220.0)];
    let y = table.width_mm * r.range(0.2, 0.8);
    let mut lights = Lights {
        ambient: ambient as f32,
        lamps: heapless::Vec::new(),
    };
    for i in 0..count {
        let x = table.length_mm * ((i as f64 + 0.5) / count as f64 + r.range(-0.1, 0.1));
        let lamp = Lamp {
            position_mm: [x, y + r.range(-60.0, 60.0), height],
            half_size_mm,
            strength: ((1.0 - ambient) * r.range(0.6, 1.2) / libm::pow(count as f64, 0.7)) as f32,
        };
        lights.lamps.extend([lamp]);
    }
    lights
}

fn camera(table: &TableSize, set: BallSet, r: &mut Random) -> CameraPose {
    let hfov_deg = r.range(45.0, 95.0);
    // Pixels that a ball takes in a picture 1920 wide, from a whole snooker table to a close look.
    let ball_px = r.log_range(20.0, 75.0);
    let seen_mm = 2.0 * set.size().0 * 1920.0 / ball_px;
    let distance = seen_mm / 2.0 / libm::tan(hfov_deg.to_radians() / 2.0);
    let whole = seen_mm > 0.9 * table.length_mm;
    let (x, y) = if whole {
        (r.range(0.42, 0.58), r.range(0.4, 0.6))
    } else {
        (r.range(0.1, 0.9), r.range(0.15, 0.85))
    };
    let tilt_deg = 25.0 * r.unit() * r.unit();
    let towards = r.range(0.0, 360.0);
    let (sin, cos) = (libm::sin(towards.to_radians()), libm::cos(towards.to_radians()));
    let height = distance * libm::cos(tilt_deg.to_radians());
    let aside = distance * libm::sin(tilt_deg.to_radians());
    let k1 = r.range(-0.22, 0.06) * if hfov_deg > 75.0 { 0.8 } else { 1.0 };
    let upright = r.chance(0.25);
    CameraPose {
        position_mm: [
            table.length_mm * x - aside * cos,
            table.width_mm * y - aside * sin,
            height.max(600.0),
        ],
        tilt_deg,
        tilt_towards_deg: towards,
        roll_deg: if upright { 90.0 } else { 0.0 } + 6.0 * r.gaussian(),
        hfov_deg,
        distortion: [
            k1,
            -0.25 * k1,
            r.range(-0.001, 0.001),
            r.range(-0.001, 0.001),
            0.0,
        ],
    }
}

fn sensor(lights: &Lights, table: &TableSize, r: &mut Random) -> Sensor {
    // An automatic exposure that is not quite right.
    let bright = f64::from(Lighting::new(lights, [0.0; 3]).mean_on_bed(table));
    let warm = r.range(0.85, 1.18);
    Sensor {
        exposure_us: r.log_range(500.0, 20_000.0) as u32,
        gain: (r.log_range(0.65, 1.6) / bright) as f32,
        white_balance: [warm as f32, 1.0, r.range(0.95, 1.05) as f32 / warm as f32],
        noise: (r.log_range(0.5, 7.0)) as f32,
        vignetting: r.range(0.0, 0.45) as f32,
        blur_px: if r.chance(0.8) {
            r.log_range(0.35, 1.4) as f32
        } else {
            0.0
        },
    }
}
