//! omshell(1): what is typed becomes OMAPI messages.

fn main() -> std::process::ExitCode {
    dhcpd::console::run()
}
