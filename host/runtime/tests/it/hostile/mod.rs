//! Components that mean harm, or are broken: those that are refused when they
//! are opened, and those whose decisions are denied. Each has its row in a
//! table, with the code that says why. The tables are for other hosts, too.

mod denied;
mod files;
pub(crate) mod guests;
mod refused;
