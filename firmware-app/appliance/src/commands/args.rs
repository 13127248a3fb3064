use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Game;
use crate::recalibration::What;

/// Sees a billiard table through a camera and tells the LAN where every ball is.
///
/// Try `baize demo` first: it needs no camera and no broker.
#[derive(Debug, Parser)]
#[command(name = "baize", version, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `baize` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows a simulated table being seen: simulated camera, real detector, real broker, live view.
    #[cfg(feature = "demo")]
    #[command(
        after_help = "EXAMPLES:\n  baize demo\n  baize demo --seconds 20 | cat    one plain line a second\n"
    )]
    Demo(DemoArgs),
    /// Runs the appliance: camera in, table states out over MQTT, until SIGTERM or Ctrl-C.
    #[command(after_help = "EXAMPLES:\n  baize run --config /etc/baize/baize.toml\n  \
        baize run --source v4l2:/dev/video0 --broker mqtt://192.0.2.7:1883\n  \
        baize run --source clip.mp4              a clip, at its own pace, again and again\n  \
        baize run --source sim:                  a simulated table\n\n\
        Real-time scheduling and locked memory need CAP_SYS_NICE and CAP_IPC_LOCK; without them one warning is\n\
        printed and the appliance runs with ordinary scheduling.")]
    Run(RunArgs),
    /// Shows what a table publishes: any subscriber's view.
    #[command(
        after_help = "EXAMPLES:\n  baize watch                        the first table that speaks at the broker on this machine\n  \
        baize watch --broker mqtt://pi.local:1883 --table snooker-1\n  \
        baize watch --json | jq -c 'select(.balls).balls'     a line a state\n"
    )]
    Watch(WatchArgs),
    /// Finds balls and cues in pictures, in pixels.
    #[command(
        after_help = "EXAMPLES:\n  baize detect picture.jpg\n  baize detect pictures/ --json > found.jsonl\n  \
        baize detect picture.jpg --draw found/    pictures with the boxes drawn in\n"
    )]
    Detect(DetectArgs),
    /// Runs a picture, a folder of pictures or a clip through detector and table stage; a line a frame.
    #[command(after_help = "EXAMPLES:\n  baize replay clip.mp4 --table 7ft --json\n  \
        baize replay pictures/ --calibration calibration.json --json\n\n\
        Without --calibration the table is looked for in the first frames. Every frame is processed, none is\n\
        dropped; the same frames give the same lines. A clip needs the program ffmpeg.")]
    Replay(ReplayArgs),
    /// Runs the table stage alone on recorded observations in millimetres; a line a frame.
    #[command(after_help = "EXAMPLES:\n  baize track recording.jsonl --json\n  \
        baize track recording.jsonl --table snooker12 --game snooker --json\n  \
        baize replay clip.mp4 --table 7ft --record recording.jsonl    makes such a recording\n\n\
        A line of the recording is a frame:\n  \
        {\"exposure_us\": 0, \"observations\": [{\"x_mm\": 1, \"y_mm\": 2, \"kind\": \"solid\", \"number\": 3,\n   \
        \"score\": 0.9}], \"cue\": {\"tip_mm\": [1, 2], \"butt_mm\": [3, 4], \"score\": 0.9}}\n\
        kind: cue, eight, solid, stripe or ball; number and cue may be null; colour, if given, is red, yellow, …\n\
        The same recording gives the same lines, on every machine.")]
    Track(TrackArgs),
    /// Finds the table in a picture and solves for the camera above it; or asks a running appliance to.
    #[command(
        after_help = "EXAMPLES:\n  baize calibrate picture.jpg --table 9ft --output calibration.json --picture seen.png\n  \
        baize calibrate picture.jpg --table snooker12 --game snooker --json\n  \
        baize calibrate --live --name hall-1 --broker mqtt://192.0.2.7    the appliance's own table, while it runs\n  \
        baize calibrate --live --name hall-1 --what projector --json      its projector\n  \
        baize calibrate --live --name hall-1 --what installation          back to that of the installation\n  \
        baize calibrate picture.jpg --lens lens.json    a lens that was measured, as by `baize lens`\n"
    )]
    Calibrate(CalibrateArgs),
    /// Measures a camera's lens with a checkerboard, and says where to hold it until that is enough.
    #[command(
        after_help = "EXAMPLES:\n  baize lens v4l2:auto --output lens.json        hold the board before the camera as you are told\n  \
        baize lens pictures/ more.jpg --output lens.json\n  \
        baize lens clip.mp4 --json\n\n\
        Any flat board of square black and white fields will do; how large they are and how many does not matter.\n\
        It must show in every ninth of the picture, may stick out of it, and must lean every way.\n\
        The appliance takes the lens from the key camera.lens.\n"
    )]
    Lens(LensArgs),
    /// Shows, exports and imports the calibrations that an appliance keeps.
    #[command(
        after_help = "EXAMPLES:\n  baize calibrations --config /etc/baize/baize.toml list\n  \
        baize calibrations export good.json                the one in use\n  \
        baize calibrations export old.json --generation 7  one of the last ten\n  \
        baize calibrations import good.json                used from the next start of `baize run` on\n  \
        baize calibrations commission                      the one in use is what a very long press goes back to\n"
    )]
    Calibrations(CalibrationsArgs),
    /// Measures every stage of the pipeline on this machine.
    #[command(after_help = "EXAMPLES:\n  baize bench\n  baize bench --frames 10000 --backend rten --json\n")]
    Bench(BenchArgs),
    /// Says what this machine has of what the configuration asks for, and what to do about the rest.
    #[command(
        after_help = "EXAMPLES:\n  baize doctor --config /etc/baize/baize.toml\n  baize doctor --json | jq .can_serve\n\n\
        ok: as it is to be. --: not there, and the appliance does without. NO: asked for, and missing; the exit\n\
        code is then 1. A camera or a line that a running appliance uses counts as missing: stop it first."
    )]
    Doctor(DoctorArgs),
    /// Prints every key of the configuration with its default and its meaning: a valid configuration.
    Config,
    /// Prints the table's name in topics: the configuration's, or the one made from this machine's identity.
    #[command(after_help = "EXAMPLES:\n  baize identity\n  baize identity --config /etc/baize/baize.toml\n")]
    Identity(IdentityArgs),
}

/// `baize demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Seed of the simulated table: the same seed plays the same game.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Stop after so many seconds; without it, at Ctrl-C.
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
    /// Print every decoded state as a line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `baize run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The configuration file; `baize config` prints every key. May be given again: what a later one says holds.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Where pictures come from: v4l2:auto, v4l2:PATH, a picture, a folder, a clip, or sim:
    #[arg(long)]
    pub source: Option<String>,
    /// The MQTT broker, mqtt://HOST:PORT or mqtts://HOST:PORT.
    #[arg(long, value_name = "URL")]
    pub broker: Option<String>,
    /// The table's name in topics.
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,
}

/// `baize watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The MQTT broker, mqtt://HOST:PORT or mqtts://HOST:PORT; without it, the configuration's.
    #[arg(long, value_name = "URL")]
    pub broker: Option<String>,
    /// Only this table; without it, the first one that speaks.
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,
    /// Configuration with the broker's user, password and certificates.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Print every state, event and status as a line of JSON.
    #[arg(long)]
    pub json: bool,
    /// Stop after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
}

/// What finds balls in pictures.
#[derive(Debug, Args)]
pub struct DetectorArgs {
    /// Folder with a model and its manifest; without it, the model inside the program.
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// What runs the network: auto, tensorrt, onnxruntime or rten.
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
}

/// `baize detect`.
#[derive(Debug, Args)]
pub struct DetectArgs {
    /// Pictures (PNG or JPEG) or folders of pictures.
    #[arg(required = true, value_name = "PICTURE|FOLDER")]
    pub paths: Vec<PathBuf>,
    /// What finds the balls.
    #[command(flatten)]
    pub detector: DetectorArgs,
    /// Folder for pictures with the detections drawn in.
    #[arg(long, value_name = "FOLDER")]
    pub draw: Option<PathBuf>,
    /// Print a line of JSON a picture.
    #[arg(long)]
    pub json: bool,
}

/// `baize replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A picture, a folder of pictures, or a clip.
    #[arg(value_name = "FILE|FOLDER")]
    pub path: PathBuf,
    /// The calibration, as written by `baize calibrate --output`.
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
    /// The bed, when there is no calibration: 7ft, 8ft, 9ft, snooker10, snooker12, carom, pub, or LENGTHxWIDTH in mm.
    #[arg(long, value_name = "SIZE")]
    pub table: Option<String>,
    /// Configuration for everything else.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// What finds the balls.
    #[command(flatten)]
    pub detector: DetectorArgs,
    /// Stop after so many frames.
    #[arg(long, value_name = "N")]
    pub frames: Option<u64>,
    /// Write what was observed, in millimetres, to this file: `baize track` takes it.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Folder for pictures with balls, ids and the table drawn in.
    #[arg(long, value_name = "FOLDER")]
    pub draw: Option<PathBuf>,
    /// Print a line of JSON a frame.
    #[arg(long)]
    pub json: bool,
}

/// `baize track`.
#[derive(Debug, Args)]
pub struct TrackArgs {
    /// The recording: JSON lines; - for standard input.
    #[arg(value_name = "FILE")]
    pub path: PathBuf,
    /// The bed: 7ft, 8ft, 9ft, snooker10, snooker12, carom, pub, or LENGTHxWIDTH in mm.
    #[arg(long, value_name = "SIZE")]
    pub table: Option<String>,
    /// Which balls to expect: pool, snooker, pub or carom.
    #[arg(long, value_name = "GAME")]
    pub game: Option<Game>,
    /// Diameter of a ball in mm; without it, that of the game's.
    #[arg(long, value_name = "MM")]
    pub ball: Option<f64>,
    /// Standard deviation of the recorded places along each side, in mm.
    #[arg(long, value_name = "MM", default_value_t = 1.0)]
    pub noise: f64,
    /// Configuration for everything else.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Print a line of JSON a frame.
    #[arg(long)]
    pub json: bool,
}

/// `baize calibrate`.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// A picture of the table (PNG or JPEG), or a clip or folder of pictures, whose first frame is taken.
    #[arg(required_unless_present = "live", conflicts_with = "live")]
    pub picture: Option<PathBuf>,
    /// Ask the running appliance that --name names, over MQTT.
    #[arg(long, requires = "name")]
    pub live: bool,
    /// The appliance's table in topics.
    #[arg(long, value_name = "NAME", requires = "live")]
    pub name: Option<String>,
    /// What it is to calibrate.
    #[arg(long, value_name = "WHAT", requires = "live", default_value = "table")]
    pub what: What,
    /// The MQTT broker, mqtt://HOST:PORT or mqtts://HOST:PORT; without it, the configuration's.
    #[arg(long, value_name = "URL", requires = "live")]
    pub broker: Option<String>,
    /// Configuration with the broker's user, password and certificates.
    #[arg(long, value_name = "FILE", requires = "live")]
    pub config: Vec<PathBuf>,
    /// The bed: 7ft, 8ft, 9ft, snooker10, snooker12, carom, pub, or LENGTHxWIDTH in mm.
    #[arg(long, value_name = "SIZE", default_value = "9ft")]
    pub table: String,
    /// Whose balls they are: pool, snooker, pub or carom.
    #[arg(long, value_name = "GAME", default_value = "pool")]
    pub game: Game,
    /// Diameter of a ball in mm; without it, that of the game's.
    #[arg(long, value_name = "MM")]
    pub ball: Option<f64>,
    /// Put the table's origin into the corner opposite to the agreed one.
    #[arg(long)]
    pub turned: bool,
    /// The lens's horizontal field of view in degrees, if known.
    #[arg(long, value_name = "DEGREES")]
    pub fov: Option<f64>,
    /// A lens measured elsewhere, for pictures of this size: a JSON file with width_px, height_px, fx, fy, cx, cy, k1, k2,
    /// p1, p2 and k3, as OpenCV has them, but pixels counted from the picture's corner (its cx, cy plus 0.5).
    #[arg(long, value_name = "FILE", conflicts_with = "fov")]
    pub lens: Option<PathBuf>,
    /// The bed's corners in the picture, if they are not found: x,y four times, in any order.
    #[arg(long, value_name = "X,Y", num_args = 4)]
    pub corners: Option<Vec<String>>,
    /// Write the calibration to this file, if it is accepted.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the picture with everything that was found drawn in.
    #[arg(long = "picture", value_name = "PNG")]
    pub drawn: Option<PathBuf>,
    /// What finds the balls, whose size is held against the table's.
    #[command(flatten)]
    pub detector: DetectorArgs,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `baize lens`.
#[derive(Debug, Args)]
pub struct LensArgs {
    /// Pictures of a checkerboard, folders of them, a clip, or the camera itself: v4l2:auto, v4l2:PATH.
    #[arg(required = true, value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// Write the lens to this file.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Configuration with the camera's size and format: those of the appliance, as a lens is for one size.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `baize calibrations`.
#[derive(Debug, Args)]
pub struct CalibrationsArgs {
    /// The appliance's configuration, which names the folder.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// The folder itself.
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// What to do with them.
    #[command(subcommand)]
    pub command: CalibrationsCommand,
}

/// What can be done with calibrations.
#[derive(Debug, Subcommand)]
pub enum CalibrationsCommand {
    /// Shows what is kept, the newest first.
    List {
        /// Print a line of JSON each.
        #[arg(long)]
        json: bool,
    },
    /// Writes one to a file, as `baize replay --calibration` takes it.
    Export {
        /// The file.
        file: PathBuf,
        /// Which one; without it, the one in use.
        #[arg(long, value_name = "N")]
        generation: Option<u64>,
    },
    /// Keeps a file's calibration as the newest.
    Import {
        /// The file.
        file: PathBuf,
    },
    /// Keeps one as that of the installation.
    Commission {
        /// Which one; without it, the one in use.
        #[arg(long, value_name = "N")]
        generation: Option<u64>,
    },
}

/// `baize bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Where pictures come from.
    #[arg(long, default_value = "sim:balls=16,prerendered=64")]
    pub source: String,
    /// Frames to measure.
    #[arg(long, default_value_t = 1000)]
    pub frames: u64,
    /// Frames a second that the source delivers.
    #[arg(long, default_value_t = 30)]
    pub fps: u32,
    /// The broker to publish to; without it, one within this program.
    #[arg(long, value_name = "URL")]
    pub broker: Option<String>,
    /// What finds the balls.
    #[command(flatten)]
    pub detector: DetectorArgs,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `baize doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The configuration of the appliance.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `baize identity`.
#[derive(Debug, Args)]
pub struct IdentityArgs {
    /// The configuration of the appliance.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Folder where the machine's file system stands.
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub root: PathBuf,
}
