# frozen_string_literal: true

# Builds brood/low.so: SWIG's wrapper of the installed library's headers. Needs swig, and brood itself.
require "mkmf"

# The interface files lie in the gem, or where this file is in the source tree.
bindings = [File.join(__dir__, "bindings"), File.expand_path("../../..", __dir__)].find do |folder|
  File.exist?(File.join(folder, "brood.i"))
end
swig = find_executable("swig4.0") || find_executable("swig") || abort("swig is missing: install it")
pkg_config("brood") || abort("brood is missing: install libbrood-dev, or tell PKG_CONFIG_PATH where brood.pc is")
# pkg-config leaves out what the compiler searches anyway; SWIG does not.
includes = `pkg-config --cflags-only-I brood`.split << "-I#{`pkg-config --variable=includedir brood`.strip}"

system(swig, "-c++", "-DSWIGWORDSIZE64", "-I#{bindings}", *includes, "-ruby", "-module", "Brood::Low",
       "-initname", "low", "-o", "low_wrap.cpp", File.join(bindings, "brood.i")) || abort("swig failed")

$srcs = ["low_wrap.cpp"]
$VPATH << Dir.pwd
$CPPFLAGS = "#{$CPPFLAGS} -I#{bindings}"
$CXXFLAGS = "#{$CXXFLAGS} -std=c++20 -fvisibility=hidden -Wno-register -Wno-deprecated-declarations"
create_makefile("brood/low")
