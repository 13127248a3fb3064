//! A player as a handful of tapered limbs, and the cue in their hands.

use glam::{DVec2, DVec3};
use heapless::Vec;

use crate::colour::{Rgb, from_picture};
use crate::random::Random;

/// Length of a cue.
pub const CUE_LENGTH_MM: f64 = 1450.0;
/// Limbs of a player: torso, head, hair, two arms of two limbs each, two hands, five fingers.
pub const MAX_LIMBS: usize = 16;

/// Limbs of a player that lie below the cue: palm, three fingers, thumb.
pub const UNDER_CUE: usize = 5;

/// A cone with round ends.
#[derive(Debug, Clone, Copy)]
pub struct Limb {
    pub from: DVec3,
    pub to: DVec3,
    pub from_radius: f64,
    pub to_radius: f64,
    pub paint: LimbPaint,
}

/// How a limb is coloured.
#[derive(Debug, Clone, Copy)]
pub enum LimbPaint {
    /// Skin, sleeve, hair.
    Plain(Rgb),
    /// Tip, ferrule, shaft and butt of a cue that starts at the tip.
    Cue { shaft: Rgb, butt: Rgb },
}

/// A cue in space.
#[derive(Debug, Clone, Copy)]
pub struct Cue {
    pub tip: DVec3,
    pub butt: DVec3,
    pub shaft: Rgb,
    pub butt_colour: Rgb,
}

impl Cue {
    /// A cue aimed at `target` along `direction`, its tip `gap` before it, lifted by `elevation` radians.
    pub fn aimed(target: DVec3, direction: DVec2, gap: f64, elevation: f64, style: &PersonStyle) -> Self {
        let back = DVec3::new(
            -direction.x * libm::cos(elevation),
            -direction.y * libm::cos(elevation),
            libm::sin(elevation),
        );
        let tip = target + back * gap;
        Self {
            tip,
            butt: tip + back * CUE_LENGTH_MM,
            shaft: style.shaft,
            butt_colour: style.butt,
        }
    }

    /// A level cue with its tip at `tip` and its butt along `way`.
    pub fn laid(tip: DVec3, way: DVec3, style: &PersonStyle) -> Self {
        Self {
            tip,
            butt: tip + way * CUE_LENGTH_MM,
            shaft: style.shaft,
            butt_colour: style.butt,
        }
    }

    /// The cue as a limb.
    pub fn limb(&self) -> Limb {
        Limb {
            from: self.tip,
            to: self.butt,
            from_radius: 6.3,
            to_radius: 14.5,
            paint: LimbPaint::Cue {
                shaft: self.shaft,
                butt: self.butt_colour,
            },
        }
    }

    /// The point so far from the tip.
    pub fn at(&self, from_tip_mm: f64) -> DVec3 {
        self.tip + (self.butt - self.tip) * (from_tip_mm / CUE_LENGTH_MM)
    }
}

/// From the cue ball to the chest of the player.
pub const CHEST_MM: f64 = 820.0;
/// From the chest to the hips of a player who leans over the table.
const LEAN_MM: f64 = 520.0;

/// How a player stands to the shot.
#[derive(Debug, Clone, Copy)]
pub struct Stance {
    /// The cue ball.
    pub target: DVec3,
    /// Where the shot goes.
    pub direction: DVec2,
    /// Height on which the bridge hand rests.
    pub support: f64,
    /// Beside the table.
    pub hips: DVec3,
}

/// Who plays, and with what.
#[derive(Debug, Clone, Copy)]
pub struct PersonStyle {
    skin: Rgb,
    sleeve: Rgb,
    hair: Rgb,
    shaft: Rgb,
    butt: Rgb,
    short_sleeves: bool,
    left_handed: bool,
    /// Distance from tip to bridge hand while the tip touches the ball.
    bridge_mm: f64,
    elevation: f64,
    finger_spread: f64,
}

impl PersonStyle {
    /// Somebody at random.
    pub fn random(random: &mut Random) -> Self {
        let skins = [
            (236, 196, 170),
            (222, 172, 140),
            (190, 134, 98),
            (140, 92, 64),
            (88, 58, 42),
        ];
        let sleeves = [
            (30, 32, 38),
            (200, 200, 204),
            (54, 76, 120),
            (128, 34, 40),
            (60, 92, 66),
            (120, 122, 128),
            (22, 22, 22),
        ];
        let hairs = [
            (40, 30, 24),
            (92, 64, 40),
            (20, 18, 18),
            (170, 140, 96),
            (130, 128, 126),
        ];
        let shafts = [(222, 184, 130), (236, 208, 160), (206, 160, 104), (60, 60, 64)];
        let butts = [
            (60, 32, 22),
            (26, 24, 26),
            (110, 24, 28),
            (36, 50, 96),
            (150, 100, 60),
        ];
        let mut colour = |choices: &[(u8, u8, u8)]| {
            let (r, g, b) = random.pick(choices);
            from_picture(r, g, b)
        };
        let (skin, sleeve, hair) = (colour(&skins), colour(&sleeves), colour(&hairs));
        let (shaft, butt) = (colour(&shafts), colour(&butts));
        Self {
            skin,
            sleeve,
            hair,
            shaft,
            butt,
            short_sleeves: random.chance(0.5),
            left_handed: random.chance(0.15),
            bridge_mm: random.range(150.0, 260.0),
            elevation: random.range(0.05, 0.12),
            finger_spread: random.range(0.25, 0.5),
        }
    }

    /// Angle between cue and cloth that this player likes.
    pub fn elevation(&self) -> f64 {
        self.elevation
    }

    /// Distance from the cue ball's centre to the bridge hand.
    pub fn bridge_mm(&self) -> f64 {
        self.bridge_mm
    }

    /// The body behind a cue; the bridge hand stays while the cue strokes. The first `UNDER_CUE` limbs lie below the
    /// cue. Nobody is seen who would have to lie on the table: they use a rest.
    pub fn body(&self, cue: &Cue, stance: &Stance) -> Vec<Limb, MAX_LIMBS> {
        let Stance { target, support, .. } = *stance;
        let ahead = stance.direction.extend(0.0);
        let handed = if self.left_handed { -1.0 } else { 1.0 };
        // To the right of the shot.
        let right = DVec3::new(ahead.y, -ahead.x, 0.0) * handed;
        let up = DVec3::Z;
        let mut limbs: Vec<Limb, MAX_LIMBS> = Vec::new();
        if stance.hips.distance(target) > CHEST_MM + LEAN_MM {
            return limbs;
        }
        let mut add = |from: DVec3, to: DVec3, from_radius: f64, to_radius: f64, colour: Rgb| {
            let limb = Limb {
                from,
                to,
                from_radius,
                to_radius,
                paint: LimbPaint::Plain(colour),
            };
            limbs.push(limb).expect("a player has at most MAX_LIMBS limbs");
        };
        let axis = (cue.butt - cue.tip).normalize();
        // The bridge: a palm on the cloth, a loop of thumb and index finger around the shaft, three spread fingers.
        let shaft_at_bridge = target + axis * self.bridge_mm;
        let palm =
            DVec3::new(shaft_at_bridge.x, shaft_at_bridge.y, support + 24.0) - ahead * 46.0 - right * 26.0;
        let wrist = palm - ahead * 62.0 - right * 14.0 + up * 18.0;
        let knuckles = palm + ahead * 36.0 - right * 2.0;
        add(wrist, knuckles, 29.0, 34.0, self.skin);
        for (finger, reach) in [(0.0, 62.0), (1.0, 66.0), (2.0, 52.0)] {
            let angle = 0.1 + self.finger_spread * finger;
            let way = ahead * libm::cos(angle) - right * libm::sin(angle);
            let root = knuckles - right * (4.0 + 15.0 * finger);
            add(
                root,
                (root + way * reach).with_z(support + 8.0),
                11.5,
                8.0,
                self.skin,
            );
        }
        let over = shaft_at_bridge + up * 10.0;
        add(
            palm + right * 18.0,
            shaft_at_bridge + right * 8.0 + ahead * 6.0,
            13.0,
            9.0,
            self.skin,
        );
        add(knuckles + right * 12.0, over + ahead * 20.0, 11.0, 8.5, self.skin);
        // The other hand on the butt, and the body between them.
        let grip = cue.at(CUE_LENGTH_MM - 260.0);
        let chest = target + axis * CHEST_MM + up * 190.0;
        let to_hips = stance.hips - chest;
        let lean = to_hips.normalize_or(-ahead);
        let bridge_shoulder = chest - right * 180.0 + up * 40.0;
        let grip_shoulder = chest + right * 170.0 - ahead * 60.0 + up * 60.0;
        let grip_elbow = (grip + grip_shoulder) / 2.0 + up * 130.0 + right * 60.0;
        let forearm = if self.short_sleeves {
            self.skin
        } else {
            self.sleeve
        };
        let bridge_elbow = wrist.lerp(bridge_shoulder, 0.48) - right * 30.0;
        add(wrist, bridge_elbow, 29.0, 42.0, forearm);
        add(bridge_elbow, bridge_shoulder, 50.0, 66.0, self.sleeve);
        add(grip - ahead * 34.0, grip + ahead * 38.0, 34.0, 34.0, self.skin);
        add(grip + up * 20.0, grip_elbow, 30.0, 42.0, forearm);
        add(grip_elbow, grip_shoulder, 50.0, 66.0, self.sleeve);
        add(
            bridge_shoulder - ahead * 60.0,
            grip_shoulder - ahead * 60.0,
            105.0,
            105.0,
            self.sleeve,
        );
        add(
            chest + lean * 140.0,
            stance.hips + lean * 120.0,
            165.0,
            170.0,
            self.sleeve,
        );
        let head = chest + ahead * 150.0 + up * 90.0 - right * 10.0;
        add(head, head + ahead * 20.0, 88.0, 84.0, self.skin);
        add(
            head - ahead * 34.0 + up * 26.0,
            head - ahead * 10.0 + up * 36.0,
            92.0,
            88.0,
            self.hair,
        );
        limbs
    }
}
