//! The configuration as a person meets it.

use baize::config::{Config, ConfigError, KEYS, reference};

#[test]
fn the_reference_is_a_valid_configuration_with_every_default() {
    assert_eq!(
        Config::parse(&reference()).expect("the reference is valid"),
        Config::default()
    );
}

#[test]
fn every_key_of_the_file_is_documented_and_every_documented_key_exists() {
    let mut full = Config::default();
    full.table.ball_diameter_mm = Some(57.0);
    full.camera.exposure_us = Some(5000);
    full.camera.gain = Some(1);
    full.camera.white_balance_k = Some(4600);
    full.camera.focus = Some(0);
    full.camera.power_line_hz = Some(50);
    let file = toml::Table::try_from(full).expect("a configuration is TOML");
    let mut keys: Vec<String> = file
        .iter()
        .flat_map(|(section, table)| {
            let table = table.as_table().expect("a section");
            table.keys().map(move |name| format!("{section}.{name}"))
        })
        .collect();
    let mut documented: Vec<&str> = KEYS.iter().map(|key| key.path).collect();
    keys.sort();
    documented.sort_unstable();
    assert_eq!(keys, documented);
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(
        Config::parse("").expect("nothing is wrong with it"),
        Config::default()
    );
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_valid_one() {
    for (text, nearest) in [
        ("[camera]\nwidht = 1280", "camera.width"),
        ("[table]\nball_diameter = 57.15", "table.ball_diameter_mm"),
        ("[brocker]\nurl = 'mqtt://x'", "broker.url"),
        ("[board]\nurl = 'mqtt://x'", "broker.url"),
    ] {
        match Config::parse(text) {
            Err(ConfigError::UnknownKey { nearest: found, .. }) => assert_eq!(found, nearest, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn a_wrong_value_is_refused_with_what_would_be_right() {
    for (text, hint) in [
        ("[camera]\nformat = 'rgb'", "yuyv"),
        ("[camera]\nfps = 0", "1 and 500"),
        ("[table]\nsize = '10ft2'", "9ft"),
        ("[table]\nname = 'a b'", "letters"),
        ("[table]\nball_diameter_mm = 570", "80"),
        ("[calibration]\ncorners_px = [[1, 2]]", "four"),
        ("[realtime]\npriority = 100", "99"),
        ("[camera]\nwidth = 'wide'", "line 2"),
        ("[camera", "line 1"),
        ("[detector]\nbackend = 'cuda'", "tensorrt"),
    ] {
        let error = Config::parse(text).expect_err(text).to_string();
        assert!(error.contains(hint), "{text}: {error}");
    }
}

#[test]
fn balls_are_as_large_as_the_games_unless_said_otherwise() {
    for (text, ball_mm) in [
        ("", 57.15),
        ("[table]\ngame = 'snooker'", 52.5),
        ("[table]\ngame = 'pub'", 50.8),
        ("[table]\ngame = 'carom'", 61.5),
        ("[table]\ngame = 'snooker'\nball_diameter_mm = 54.0", 54.0),
    ] {
        let config = Config::parse(text).expect("nothing is wrong with it");
        assert_eq!(config.table.ball_mm(), ball_mm, "{text}");
    }
}

#[test]
fn what_a_later_file_says_holds_and_what_it_leaves_out_stays() {
    let folder = std::env::temp_dir().join(format!("baize-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder of ours");
    let file = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("a folder of ours");
        file
    };
    let product = file(
        "product.toml",
        "[table]\nsize = '9ft'\nturned = true\n[broker]\nurl = 'mqtts://localhost'",
    );
    let table = file("table.toml", "[table]\nsize = '7ft'\n[camera]\nfps = 60");
    let config = Config::read(&[product.clone(), table]).expect("both are valid");
    assert_eq!((config.table.size.as_str(), config.table.turned), ("7ft", true));
    assert_eq!(
        (config.broker.url.as_str(), config.camera.fps),
        ("mqtts://localhost", 60)
    );

    let wrong = file("wrong.toml", "[table]\nsize = 7");
    let error = Config::read(&[product.clone(), wrong])
        .expect_err("a number is no size")
        .to_string();
    assert!(
        error.contains("wrong.toml") && error.contains("line 2"),
        "{error}"
    );
    let unknown = file("unknown.toml", "[tabel]\nsize = '7ft'");
    let error = Config::read(&[product, unknown])
        .expect_err("there is no such table")
        .to_string();
    assert!(
        error.contains("unknown.toml") && error.contains("table.size"),
        "{error}"
    );
    std::fs::remove_dir_all(&folder).expect("a folder of ours");
}
