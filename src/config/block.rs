//! One declaration per block of the configuration makes its struct, its reader, its part of the
//! JSON schema and its section of the reference.

/// Declares a block.
///
/// Every field of the struct is what could be read of it: `None` has been reported as a fault
/// already, so that the checks across fields go on with what is there and *all* faults are found.
///
/// After a field's type stands what happens without it:
///
/// | rule | without the field | the struct holds |
/// |---|---|---|
/// | `[required "why"]` | "must be set; why" | `Option<T>` |
/// | `[default value, "why"]` | the value | `Option<T>` |
/// | `[optional "what", "why"]` | what the words say | `Option<Option<T>>` |
/// | `[block "what"]` | the same as an empty block | `Option<T>` |
///
/// `with one of [...]`: at least one of these fields must be there, which the schema says too; the checks across fields
/// say which.
macro_rules! block {
    (
        $(#[doc = $doc:literal])+
        $block:ident at $place:literal $(with one of [$($one:literal),+])? {
            $( $(#[doc = $about:literal])+ $field:ident: $kind:ty [$($rule:tt)+], )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(crate) struct $block {
            $( $(#[doc = $about])+ pub(crate) $field: $crate::config::block::block!(@held $kind, $($rule)+), )+
        }

        impl $crate::config::node::Field for $block {
            fn read(
                node: $crate::config::node::Node<'_>,
                faults: &mut $crate::config::fault::Faults,
            ) -> Option<Self> {
                let members = node.members(&[$($crate::config::block::name(stringify!($field))),+], faults)?;
                Some(Self {
                    $( $field: $crate::config::block::block!(@read members, faults, $field, $($rule)+), )+
                })
            }

            #[cfg(not(target_arch = "wasm32"))]
            fn shape() -> $crate::config::shape::Shape {
                $crate::config::shape::Shape::block($place, &[$($doc),+], vec![
                    $( $crate::config::block::block!(
                        @row $crate::config::block::name(stringify!($field)), &[$($about),+], $kind, $($rule)+
                    ) ),+
                ])$(.with_one_of(&[$($one),+]))?
            }
        }
    };

    (@held $kind:ty, optional $($rest:tt)+) => { Option<Option<$kind>> };
    (@held $kind:ty, $($rule:tt)+) => { Option<$kind> };

    (@read $members:ident, $faults:ident, $field:ident, required $why:literal) => {
        $members.required($crate::config::block::name(stringify!($field)), $why, $faults)
    };
    (@read $members:ident, $faults:ident, $field:ident, default $default:expr, $why:literal) => {
        $members.or($crate::config::block::name(stringify!($field)), || $default.into(), $faults)
    };
    (@read $members:ident, $faults:ident, $field:ident, optional $what:literal, $why:literal) => {
        $members.optional($crate::config::block::name(stringify!($field)), $faults)
    };
    (@read $members:ident, $faults:ident, $field:ident, block $what:literal) => {
        $members.block($crate::config::block::name(stringify!($field)), $faults)
    };

    (@row $name:expr, $about:expr, $kind:ty, required $why:literal) => {
        $crate::config::shape::Row::required::<$kind>($name, $about, $why)
    };
    (@row $name:expr, $about:expr, $kind:ty, default $default:expr, $why:literal) => {
        $crate::config::shape::Row::default::<$kind>($name, $about, $default.into(), $why)
    };
    (@row $name:expr, $about:expr, $kind:ty, optional $what:literal, $why:literal) => {
        $crate::config::shape::Row::optional::<$kind>($name, $about, $what, $why)
    };
    (@row $name:expr, $about:expr, $kind:ty, block $what:literal) => {
        $crate::config::shape::Row::block::<$kind>($name, $about, $what)
    };
}

pub(crate) use block;

/// A field's name as it is written: `in` is a word of Rust, and stands there as `r#in`.
pub(crate) fn name(field: &'static str) -> &'static str {
    field.strip_prefix("r#").unwrap_or(field)
}
