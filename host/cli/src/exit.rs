//! Exit codes. They are an interface: scripts and pipelines act on them, so none ever changes its meaning.
//!
//! Only [`OK`] is permission. Whatever is added later gets a number of its own.

/// Allowed, or done.
pub(crate) const OK: u8 = 0;
/// Could not decide: a file that cannot be read, a malformed request, a fault, a crash, an exceeded limit.
pub(crate) const UNDECIDED: u8 = 1;
/// Denied.
pub(crate) const DENY: u8 = 2;
/// A pack or its schema is not valid.
pub(crate) const INVALID: u8 = 3;
/// A test or a property failed.
pub(crate) const TEST_FAILED: u8 = 4;
/// A signature or a digest is not the expected one.
pub(crate) const INTEGRITY: u8 = 5;
/// Wrong usage, as `EX_USAGE` of sysexits.h. Not 2, which clap would give: that is a denial.
pub(crate) const USAGE: u8 = 64;

/// For the help of the command; a test compares it with the constants.
pub(crate) const HELP: &str = "\
Exit codes:
   0  allowed, or done
   1  could not decide: unreadable file, malformed request, fault, crash, exceeded limit
   2  denied
   3  a pack or its schema is not valid
   4  a test or a property failed: a case, a rule without one, a matrix, an invariant, a difference
   5  a digest is not the expected one
  64  wrong usage
Only 0 is permission.";

#[cfg(test)]
mod tests {
    //! The help and the constants say the same.

    use super::*;

    #[test]
    fn the_help_lists_every_code_in_order() {
        let listed: Vec<u8> = HELP
            .lines()
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .collect();
        let all = [OK, UNDECIDED, DENY, INVALID, TEST_FAILED, INTEGRITY, USAGE];
        assert_eq!(listed, all);
    }
}
