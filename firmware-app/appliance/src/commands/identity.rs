//! `baize identity`: what this table is called.

use super::args::IdentityArgs;
use crate::appliance;
use crate::failure::Failure;
use crate::sources;

/// Prints it.
pub fn run(args: &IdentityArgs) -> Result<(), Failure> {
    let config = sources::config(&args.config)?;
    println!("{}", appliance::table_name(&config, &args.root)?);
    Ok(())
}
