# frozen_string_literal: true

module Brood
  # Results of many tasks, as they come.
  # @private
  class Stream
    BATCH = 256

    # @param low the native stream
    # @param items [Enumerator, nil] packed inputs that are still to be pushed
    def initialize(low, items, marshal)
      @low = low
      @items = items
      @marshal = marshal
      @batch = Low.batch_create(items ? 64 : BATCH)
      @waiting = nil
    end

    # Yields (index, result), or (index, nil, error) of an item that failed. Inputs are drawn as far as the window
    # lets, by the one who takes results.
    def each
      until finished?
        push
        begin
          Low.stream_next_batch(@low, @batch, Low::FOREVER)
        rescue ClosedError
          return
        rescue Error => e
          yield Low.batch_index(@batch, 0), nil, e
          next
        end
        Low.batch_count(@batch).times do |i|
          msg = Low.batch_take(@batch, i)
          value = Codec.decode(msg, marshal: @marshal)
          Low.release_handle(msg)
          yield Low.batch_index(@batch, i), value
        end
      end
    ensure
      close
    end

    # Cancels what is left.
    def close
      @closed = true
      Low.release_handle(@low)
    end

    private

    def finished?
      @closed
    end

    def push
      return unless @items

      loop do
        @waiting ||= @items.next
        return if Low.stream_push(@low, @waiting, 0) == false

        @waiting = nil
      end
      @items = nil
      Low.stream_finish(@low)
    end
  end
end
