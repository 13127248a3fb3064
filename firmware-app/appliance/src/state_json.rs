//! States and events as JSON, for people's tools: the lines of `watch --json` and `replay --json`. Keys are stable.

use baize_table_state::{
    Ball, BallKind, CalibrationValidity, Cue, CueAction, CueState, Flags, Leg, ShotPrediction, TableEvent,
    TableState,
};
use baize_table_vision::StageOutput;
use serde_json::{Value, json};

/// The balls, the cue and the flags of a state; `pixels` are the balls' images, where known.
pub fn state(state: &TableState, pixels: &[[f32; 2]]) -> serde_json::Map<String, Value> {
    let balls: Vec<Value> = state
        .balls
        .iter()
        .enumerate()
        .map(|(index, ball)| ball_object(ball, pixels.get(index)))
        .collect();
    let mut object = serde_json::Map::new();
    object.insert("frame".into(), json!(state.frame_id));
    object.insert("exposure_us".into(), json!(state.exposure_us));
    object.insert("balls".into(), Value::Array(balls));
    let action = &state.cue_action;
    object.insert(
        "cue".into(),
        state
            .cue
            .as_ref()
            .map_or(Value::Null, |seen| cue(seen, action.state)),
    );
    object.insert("cue_action".into(), cue_action(action));
    object.insert("flags".into(), json!(flags(state.flags)));
    object.insert("calibration".into(), json!(state.calibration_validity.name()));
    object
}

fn ball_object(ball: &Ball, pixel: Option<&[f32; 2]>) -> Value {
    let mut object = json!({
        "id": ball.id.get(),
        "kind": kind(ball.identity.kind()),
        "number": ball.identity.number(),
        "colour": ball.identity.colour().name().filter(|name| *name != "unknown"),
        "x_mm": tenths(ball.position.x_tenth_mm()),
        "y_mm": tenths(ball.position.y_tenth_mm()),
        "vx_mm_s": ball.velocity.x_mm_s,
        "vy_mm_s": ball.velocity.y_mm_s,
        "sigma_mm": tenths(i32::from(ball.sigma.tenth_mm())),
        "moving": ball.moving,
        "seen": ball.seen(),
        "score": hundredths(ball.confidence.ratio()),
    });
    if let Some([x, y]) = pixel {
        object["x_px"] = json!(hundredths(*x));
        object["y_px"] = json!(hundredths(*y));
    }
    object
}

fn cue(cue: &Cue, state: CueState) -> Value {
    json!({
        "tip_mm": [tenths(cue.tip.x_tenth_mm()), tenths(cue.tip.y_tenth_mm())],
        "direction_deg": f64::from(cue.direction.centidegrees()) / 100.0,
        "sigma_mm": tenths(i32::from(cue.sigma.tenth_mm())),
        "state": state.to_string(),
        "score": hundredths(cue.confidence.ratio()),
    })
}

fn cue_action(action: &CueAction) -> Value {
    json!({
        "state": action.state.to_string(),
        "addresses": action.addresses.map(|ball| ball.get()),
        "tip_speed_mm_s": action.tip_speed_mm_s,
    })
}

/// All that the table stage says of a frame, but where the picture shows it: the lines of `track --json`.
pub fn output(output: &StageOutput) -> serde_json::Map<String, Value> {
    let mut object = state(&output.state, &[]);
    object.insert("events".into(), output.events.iter().map(event).collect());
    object.insert(
        "prediction".into(),
        output.prediction.as_ref().map_or(Value::Null, prediction),
    );
    object
}

/// A frame in one line for people.
pub fn in_words(output: &StageOutput) -> String {
    let state = &output.state;
    let seen = state.balls.iter().filter(|ball| ball.seen()).count();
    let moving = state.balls.iter().filter(|ball| ball.moving).count();
    let flags = flags(state.flags).join(" ");
    format!(
        "frame {}  {:.3} s  {} balls, {seen} seen, {moving} moving  {flags}",
        state.frame_id,
        state.exposure_us as f64 / 1e6,
        state.balls.len()
    )
}

/// A predicted shot.
pub fn prediction(prediction: &ShotPrediction) -> Value {
    json!({
        "exposure_us": prediction.exposure_us,
        "direction_deg": f64::from(prediction.direction.centidegrees()) / 100.0,
        "assumed_speed_mm_s": prediction.assumed_speed_mm_s,
        "legs": prediction.legs.iter().map(leg).collect::<Vec<Value>>(),
    })
}

fn leg(leg: &Leg) -> Value {
    json!({
        "ball": leg.ball.get(),
        "from_mm": [tenths(leg.from.x_tenth_mm()), tenths(leg.from.y_tenth_mm())],
        "to_mm": [tenths(leg.to.x_tenth_mm()), tenths(leg.to.y_tenth_mm())],
        "arrives_ms": leg.arrives_ms,
        "end": leg.end.to_string(),
        "target": leg.target,
        "sigma_mm": tenths(i32::from(leg.sigma.tenth_mm())),
        "score": hundredths(leg.confidence.ratio()),
    })
}

/// An event.
pub fn event(event: &TableEvent) -> Value {
    json!({
        "sequence": event.sequence,
        "exposure_us": event.exposure_us,
        "event": event.kind.to_string(),
        "score": hundredths(event.confidence.ratio()),
        "ball": event.ball.map(|ball| ball.id.get()),
        "kind": event.ball.map(|ball| kind(ball.identity.kind())),
        "other": event.other.map(|ball| ball.id.get()),
        "x_mm": event.position.map(|place| tenths(place.x_tenth_mm())),
        "y_mm": event.position.map(|place| tenths(place.y_tenth_mm())),
        "speed_mm_s": event.speed_mm_s,
        "direction_deg": event.direction.map(|direction| f64::from(direction.centidegrees()) / 100.0),
        "pocket": event.pocket,
    })
}

/// The names of the flags that are set.
fn flags(flags: Flags) -> Vec<&'static str> {
    let is_set = |bit: u8| flags.bits() & (1 << bit) != 0;
    Flags::NAMES
        .iter()
        .filter(|(bit, _)| is_set(*bit))
        .map(|(_, name)| *name)
        .collect()
}

/// The names of the flags that are set, and a doubt about the calibration.
pub fn remarks(state: &TableState) -> Vec<&'static str> {
    let mut remarks = flags(state.flags);
    if state.calibration_validity == CalibrationValidity::SUSPECT {
        remarks.push("calibration suspect");
    }
    remarks
}

/// The kind's name; one that this program does not know is a ball.
pub fn kind(kind: BallKind) -> &'static str {
    kind.name().unwrap_or("ball")
}

fn tenths(value: i32) -> f64 {
    f64::from(value) / 10.0
}

fn hundredths(value: f32) -> f64 {
    (f64::from(value) * 100.0).round() / 100.0
}
