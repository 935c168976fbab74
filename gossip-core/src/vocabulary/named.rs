//! Modes that are written as one word each, and read again.

/// `Display` and `FromStr` of an enum by the names of its variants, and the error of a text that is none of them.
macro_rules! named {
    ($type:ident: $($variant:ident $name:literal),+; $(#[$doc:meta])* $unknown:ident $say:literal) => {
        /// The modes and their names.
        const NAMES: &[($type, &str)] = &[$(($type::$variant, $name)),+];

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(NAMES.iter().find(|(mode, _)| mode == self).map_or("", |(_, name)| name))
            }
        }

        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct $unknown;

        impl core::fmt::Display for $unknown {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str($say)
            }
        }

        impl core::error::Error for $unknown {}

        impl core::str::FromStr for $type {
            type Err = $unknown;

            fn from_str(name: &str) -> Result<Self, $unknown> {
                NAMES.iter().find(|(_, other)| *other == name).map(|&(mode, _)| mode).ok_or($unknown)
            }
        }
    };
}
pub(super) use named;
