//! One way to log for both worlds: `log` on a host, `defmt` on bare metal, nothing without either. Never called from
//! the per-frame path.

#[cfg(all(feature = "log", feature = "defmt"))]
compile_error!(
    "baize-table-vision logs through `log` or through `defmt`, not both: enable one of the two features"
);

macro_rules! info {
    ($text:literal $(, $value:expr)* $(,)?) => {{
        #[cfg(feature = "log")]
        ::log::info!($text $(, $value)*);
        #[cfg(feature = "defmt")]
        ::defmt::info!($text $(, $value)*);
        #[cfg(not(any(feature = "log", feature = "defmt")))]
        { $(let _ = &$value;)* }
    }};
}

pub(crate) use info;
