# frozen_string_literal: true

require_relative "lib/brood/version"

Gem::Specification.new do |spec|
  spec.name = "brood"
  spec.version = Brood::VERSION
  spec.summary = "Process pools, queues, locks and shared memory, for all languages at once"
  spec.description = "Python's multiprocessing made better, in Ruby: pools of worker processes that survive crashes, " \
                     "queues, pipes, locks and shared arrays that any process of any language can share."
  spec.authors = ["The brood authors"]
  spec.license = "MIT"
  spec.required_ruby_version = ">= 3.1"
  spec.files = Dir.chdir(__dir__) { Dir["lib/**/*.rb", "sig/*.rbs", "ext/**/*.{rb,i,hpp}", "README.md"] }
  spec.extensions = ["ext/brood/extconf.rb"]
  spec.add_dependency "msgpack", ">= 1.4"
  spec.requirements = ["brood (the C library) with its headers", "swig 4"]
  spec.metadata = { "rubygems_mfa_required" => "true" }
end
