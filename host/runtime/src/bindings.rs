//! What wasmtime generates from wit/. It stays in this crate: the public types are our own.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "policy",
    // Evidence is lent to the component, not copied first.
    ownership: Borrowing { duplicate_if_necessary: true },
});
