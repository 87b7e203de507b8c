# frozen_string_literal: true

require_relative "helper"

# What comes with the library: its README, signatures, documentation, the gem.
class TestPackage < Minitest::Test
  include Helper

  FOLDER = File.expand_path("..", __dir__)

  def test_the_readmes_first_program_works_when_pasted
    readme = File.read(File.join(FOLDER, "README.md"))
    code, printed = readme.match(/^```ruby\n(.*?)^```\n\n```\n(.*?)^```/m).captures
    assert_operator code.lines.size, :<=, 12
    assert_equal [printed, true], run_program(code).then { |text, status| [text, status.success?] }
  end

  # Every public method has its signature, and every signature its method.
  def test_signatures
    require "rbs"
    declared = declarations
    each_class do |type|
      expected = declared.fetch(type.name) { flunk "sig/ does not know #{type}" }
      # What an ancestor's file tells need not be told again.
      mine = (type.public_instance_methods(false) - private_api(type)).map(&:to_s)
      mine.reject! { |name| inherited?(type, name, declared) }
      assert_empty mine - expected, type
      assert_empty expected.reject { |name| type.method_defined?(name) || type.private_method_defined?(name) || type.respond_to?(name) }, type
    end
  end

  def declarations
    environment = RBS::Environment.from_loader(RBS::EnvironmentLoader.new.tap { |loader| loader.add(path: Pathname(FOLDER) + "sig") }).resolve_type_names
    found = environment.class_decls.select { |name, _| name.to_s.start_with?("::Brood") }
    found.to_h { |name, entry| [name.to_s.delete_prefix("::"), entry.decls.flat_map { |decl| members(decl.decl) }] }
  end

  def members(declaration)
    declaration.members.flat_map do |member|
      case member
      when RBS::AST::Members::MethodDefinition then member.name.to_s
      when RBS::AST::Members::Alias then member.new_name.to_s
      when RBS::AST::Members::AttrReader then member.name.to_s
      when RBS::AST::Members::AttrAccessor then [member.name.to_s, "#{member.name}="]
      else []
      end
    end
  end

  def each_class(modules = [Brood], &block)
    modules.each do |outer|
      inner = outer.constants.map { |name| outer.const_get(name) }.grep(Class).select { |type| type.name.start_with?("Brood::") }
      inner.reject { |type| hidden.include?(type) }.each(&block)
    end
  end

  def hidden
    [Brood::Call, Brood::ForeignTask, Brood::Stream, Brood::Shared]
  end

  def private_api(_type)
    %i[handle handles low owner pack run abandon release]
  end

  def inherited?(type, name, declared)
    type.ancestors.drop(1).any? { |ancestor| declared[ancestor.name]&.include?(name) }
  end

  # As a user would get it: packed, unpacked elsewhere, its native part compiled against the library.
  def test_the_gem_can_be_built_and_installed
    build = ENV.fetch("BROOD_BUILD") { skip "BROOD_BUILD is the library's build folder" }
    Dir.mktmpdir do |folder|
      run!(RbConfig.ruby, File.join(FOLDER, "package.rb"), folder)
      environment = { "PKG_CONFIG_PATH" => File.join(build, "meson-uninstalled"), "GEM_HOME" => folder,
                      "GEM_PATH" => [folder, *Gem.path].join(":"), "RUBYOPT" => nil, "MAKEFLAGS" => "optflags=-O0" }
      run!(environment, "gem", "install", "--local", "--no-document", "--force", File.join(folder, "brood.gem"))
      code = "require 'brood'; q = Brood::Queue.new; q << 1; p q.pop, Gem.loaded_specs['brood'].version.to_s"
      assert_equal "1\n\"0.1.0\"\n", run!(environment, RbConfig.ruby, "-W0", "-e", code)
    end
  end

  def run!(*command, **options)
    text, status = Open3.capture2e(*command, **options)
    assert status.success?, text
    text
  end
end
