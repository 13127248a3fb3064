//! Bytes with names: what stands on the wire instead of Rust enums, because a new enum variant would make the whole
//! message undecodable for an older reader.

macro_rules! codes {
    (
        $(#[$about:meta])*
        $name:ident { $($(#[$meaning:meta])* $constant:ident = $code:literal, $word:literal;)+ }
    ) => {
        $(#[$about])*
        ///
        /// A code that this version does not know is kept as it came; its [`name`](Self::name) is `None`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name(u8);

        impl $name {
            $($(#[$meaning])* pub const $constant: Self = Self($code);)+

            /// Every code of this version with its name, as published in the schema.
            pub const NAMES: &'static [(u8, &'static str)] = &[$(($code, $word)),+];

            /// The value with this code, known or not.
            pub const fn from_code(code: u8) -> Self {
                Self(code)
            }

            /// The code on the wire.
            pub const fn code(self) -> u8 {
                self.0
            }

            /// The name of the code; `None` for one that this version does not know.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($word),)+
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => write!(f, "unknown({})", self.0),
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

pub(crate) use codes;
