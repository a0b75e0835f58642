//! The plugin as a whole: it starts with a configuration that is right, or not at all.

use std::rc::Rc;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType, LogLevel};

use crate::filter::Filter;
use crate::proxy;
use crate::settings::Settings;

/// One configured plugin. Without settings it denies.
#[derive(Default)]
pub(crate) struct Plugin {
    settings: Option<Rc<Settings>>,
}

impl Context for Plugin {}

impl RootContext for Plugin {
    fn on_configure(&mut self, size: usize) -> bool {
        self.settings = None;
        let wrong = match read(size) {
            Ok(settings) => {
                self.settings = Some(Rc::new(settings));
                return true;
            }
            Err(wrong) => wrong,
        };
        for problem in wrong {
            let message = format!("sod: the plugin's configuration: {problem}");
            proxy::log(LogLevel::Critical, &message);
        }
        false
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Filter::new(self.settings.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

fn read(size: usize) -> Result<Settings, Vec<String>> {
    let missing = || vec!["there is none; write at least `routes`".to_owned()];
    let program = sod_engine::program().ok_or_else(|| vec!["no pack is inside".to_owned()])?;
    let json = match size {
        0 => None,
        _ => hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size)
            .ok()
            .flatten(),
    };
    Settings::read(json.ok_or_else(missing)?, &program.describe().name)
}
