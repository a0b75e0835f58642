//! Leaves room below all data for what a single decision allocates; see src/allocator.rs.

/// What most decisions need. More would have to be cleared after each, once one has used it.
const ARENA: u32 = 512 << 10;
/// The compiler's own size for the stack, which comes first.
const STACK: u32 = 1 << 20;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size={STACK}");
        println!(
            "cargo::rustc-link-arg-cdylib=--global-base={}",
            STACK + ARENA
        );
    }
}
