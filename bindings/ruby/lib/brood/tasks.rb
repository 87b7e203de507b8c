# frozen_string_literal: true

module Brood
  # A block that workers of any language find by its name. It can be called as before.
  class Task
    # @return [String]
    attr_reader :name

    def initialize(name, callable)
      @name = name
      @callable = callable
      @least, @most = positional(callable)
    end

    # Runs it here, in this process.
    def call(*arguments, **keywords)
      @callable.call(*arguments, **keywords)
    end

    def inspect
      "#<Brood::Task #{name}>"
    end

    # The arguments as one value: nothing is nil, one is itself, several are an array.
    # @private
    def pack(arguments, keywords)
      return Call.new(arguments, keywords) if !keywords.empty? || ambiguous?(arguments)

      arguments.size > 1 ? arguments : arguments.first
    end

    # Calls it with arguments that came as one value.
    # @private
    def run(value)
      case value
      when Call then call(*value.arguments, **value.keywords)
      when nil then @least.zero? ? call : call(nil)
      when Array then spreads?(value.size) ? call(*value) : call(value)
      else call(value)
      end
    end

    private

    def ambiguous?(arguments)
      return false unless arguments.size == 1

      argument = arguments.first
      argument.nil? ? @least.zero? : argument.is_a?(Array) && spreads?(argument.size)
    end

    def spreads?(count)
      @most != 1 && count >= [@least, 2].max && count <= @most
    end

    # How many positional arguments it takes, at least and at most. A block takes fewer than it names.
    def positional(callable)
      kinds = callable.parameters.map(&:first)
      most = kinds.include?(:rest) ? Float::INFINITY : kinds.count { |kind| %i[req opt].include?(kind) }
      lenient = callable.is_a?(Proc) && !callable.lambda?
      least = lenient ? 0 : kinds.count(:req)
      least = 1 if lenient && most == 1
      [least, most]
    end
  end

  # A task of another program, known by its name alone.
  # @private
  class ForeignTask < Task
    def initialize(name)
      super(name, ->(*, **) { raise ArgumentError, "#{name} is another program's task: give it to a pool" })
    end

    private

    def ambiguous?(_arguments)
      false
    end
  end

  # @private
  module Tasks
    @registry = {}

    class << self
      attr_reader :registry

      def add(name, callable)
        raise ArgumentError, "a task's name has 1 to 255 bytes" unless (1..255).cover?(name.bytesize)
        raise ArgumentError, "a task named #{name} is there already" if @registry.key?(name)

        @registry[name] = Task.new(name, callable)
      end

      # The task for what a user passed: a task, or a name.
      def find(task)
        return task if task.is_a?(Task)

        name = task.to_s
        @registry[name] || ForeignTask.new(name)
      end

      # In a worker: the task of that name.
      def fetch(name)
        @registry.fetch(name) do
          known = @registry.keys.reject { |key| key.start_with?("brood.") }.sort.join(", ")
          raise NoFunction, "no task #{name} is registered in this worker; registered: #{known.empty? ? 'none' : known}"
        end
      end
    end
  end

  # Gives a block a name that workers know; without a block, the task of that name.
  #
  # Define tasks outside of {Brood.main}: workers run that part of the program too.
  #
  # @example
  #   Brood.task(:hypotenuse) { |a, b| Math.sqrt(a * a + b * b) }
  #   Brood.task(:count, &method(:count_words))
  # @param name [Symbol, String]
  # @return [Task]
  def self.task(name, callable = nil, &block)
    callable ||= block
    callable ? Tasks.add(name.to_s, callable) : Tasks.fetch(name.to_s)
  end
end
