//! [`sod_core`] behind the proxy-wasm ABI 0.2.1.

use proxy_wasm as _;
use serde as _;
use serde_json as _;
use sod_core as _;
