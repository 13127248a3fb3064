/// What the physics of a predicted shot is made of. The defaults are those of common cloth, cushions and balls.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Physics {
    /// Friction of a ball that slides on the cloth: 0.15 to 0.4 (Alciatore, "Pool and billiards physics properties").
    pub sliding_friction: f64,
    /// Friction of a ball that rolls: 0.005 to 0.015 (same).
    pub rolling_friction: f64,
    /// The part of their closing speed with which two balls part: 0.92 to 0.98 (same).
    pub ball_restitution: f64,
    /// Friction between two balls falls with the speed at which they rub, `a + b exp(-c v)` with v in m/s: a, b and c
    /// (Alciatore, TP A-14).
    pub ball_friction: [f64; 3],
    /// The part of its speed into a cushion with which a ball comes back: 0.6 to 0.9 (same as the first).
    pub cushion_restitution: f64,
    /// The part of its speed along a cushion that a ball keeps: median over bounces of pooltool-billiards 0.6.0.
    pub cushion_along: f64,
    /// The cue ball's speed that is assumed before the strike, mm/s: an easy shot.
    pub assumed_speed_mm_s: f64,
}

impl Physics {
    /// Whether balls of such a world come to rest.
    pub fn is_sensible(&self) -> bool {
        let parts = [
            self.ball_restitution,
            self.cushion_restitution,
            self.cushion_along,
            self.ball_friction[0],
            self.ball_friction[1],
        ];
        parts.iter().all(|part| (0.0..=1.0).contains(part))
            && (0.01..=1.0).contains(&self.sliding_friction)
            && (0.001..=0.1).contains(&self.rolling_friction)
            && (0.0..=100.0).contains(&self.ball_friction[2])
            && (100.0..=12_000.0).contains(&self.assumed_speed_mm_s)
    }
}

impl Default for Physics {
    fn default() -> Self {
        Self {
            sliding_friction: 0.2,
            rolling_friction: 0.01,
            ball_restitution: 0.95,
            ball_friction: [9.951e-3, 0.108, 1.088],
            cushion_restitution: 0.79,
            cushion_along: 0.73,
            assumed_speed_mm_s: 2500.0,
        }
    }
}
