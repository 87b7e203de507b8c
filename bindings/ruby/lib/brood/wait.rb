# frozen_string_literal: true

module Brood
  # Waiting for any of many things.
  # @private
  module Wait
    class << self
      def any(objects, timeout)
        handles = objects.map(&:handle)
        index = Low.wait_any(handles, Runtime.milliseconds(timeout))
        index == false ? nil : objects[index]
      end

      # An IO that is readable once the object is ready. It belongs to the object's handle: it is never read or closed.
      def io(object)
        IO.for_fd(Low.handle_fd(object.handle), "r", autoclose: false)
      end
    end
  end

  # Waits until one of the objects is ready: a future is done, a process has ended, a queue or pipe has something to
  # take, an event is set, a lock or semaphore can be acquired. Nothing is taken by it.
  # @return [Object, nil] the first of them that is ready; nil when the time ran out
  def self.wait(*objects, timeout: nil)
    Wait.any(objects, timeout)
  end
end
