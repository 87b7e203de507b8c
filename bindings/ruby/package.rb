#!/usr/bin/env ruby
# frozen_string_literal: true

# Builds the gem: ruby package.rb FOLDER. The interface files that all languages share go into it.
require "fileutils"

folder = File.expand_path(ARGV.fetch(0) { abort "usage: package.rb FOLDER" })
stage = File.join(folder, "brood-gem")
FileUtils.rm_rf(stage)
FileUtils.mkdir_p(File.join(stage, "ext/brood/bindings/ruby"))
Dir.chdir(__dir__) do
  FileUtils.cp_r(%w[lib sig ext README.md brood.gemspec], stage)
  FileUtils.cp_r(%w[../brood.i ../common], File.join(stage, "ext/brood/bindings"))
  FileUtils.cp(Dir["*.i", "*.hpp"], File.join(stage, "ext/brood/bindings/ruby"))
end
Dir.chdir(stage) { system("gem", "build", "brood.gemspec", "--output", File.join(folder, "brood.gem")) || abort }
