using System.Runtime.InteropServices;

namespace Mahavishnu.Embeddings;

/// <summary>How often each feature of one text occurs, in the order of first occurrence (sums of floats depend on their order). Reused from text to text.</summary>
internal sealed class FeatureBag
{
    private Feature[] _features = new Feature[1_024];
    private int[] _slots = new int[4_096];

    public int Count { get; private set; }

    public ReadOnlySpan<Feature> Features => _features.AsSpan(0, Count);

    /// <summary>Room for this many features is worth keeping between texts.</summary>
    public bool WorthKeeping => _slots.Length <= 1 << 20;

    public void Clear()
    {
        if (Count == 0)
        {
            return;
        }

        Array.Clear(_slots);
        Count = 0;
    }

    public void Add(ulong key, float weight, float times)
    {
        var mask = _slots.Length - 1;
        var slot = (int)key & mask;
        while (_slots[slot] is > 0 and var found)
        {
            ref var known = ref _features[found - 1];
            if (known.Key == key)
            {
                known.Times += times;
                return;
            }

            slot = (slot + 1) & mask;
        }

        if (Count == _features.Length)
        {
            Grow();
            Add(key, weight, times);
            return;
        }

        _features[Count] = new Feature { Key = key, Weight = weight, Times = times };
        _slots[slot] = ++Count;
    }

    private void Grow()
    {
        Array.Resize(ref _features, _features.Length * 2);
        _slots = new int[_slots.Length * 2];
        var mask = _slots.Length - 1;
        for (var i = 0; i < Count; i++)
        {
            var slot = (int)_features[i].Key & mask;
            while (_slots[slot] > 0)
            {
                slot = (slot + 1) & mask;
            }

            _slots[slot] = i + 1;
        }
    }

    [StructLayout(LayoutKind.Auto)]
    internal struct Feature
    {
        public ulong Key;
        public float Weight;
        public float Times;
    }
}
