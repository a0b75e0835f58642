//! What a proxy's request means: who wants to do what to what, and where the evidence is.
//!
//! Pure: the server and the proxy-wasm module read the same routes in the same way.
