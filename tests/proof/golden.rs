//! Files of the tree that are made from something else: equal, or written anew on demand.

use crate::engines::root;

/// Holds a file to what it is made from. `SOD_BLESS=1` writes it; the diff is the review.
pub(crate) fn golden(path: &str, made: &str) {
    let file = root().join(path);
    if std::env::var_os("SOD_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, made).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == made,
        "{path} is not what it is made from: SOD_BLESS=1 writes it anew"
    );
}
